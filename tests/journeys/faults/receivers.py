"""Customers' servers that take webhooks: good ones, and those that hang, cut, refuse, redirect, drip, are slow or gone."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.request import Request, urlopen

from standardwebhooks import Webhook

from tests.upstreams import cut_before_answer, hang
from tests.upstreams.receiver import drip, redirect, reply

from .deaths import DEADLY, at_work
from .judge import Findings, Row
from .stage import Stage, wait_for
from .trouble import Scene, trouble

STARTED = "task.started"
EVENTS = [STARTED, *(f"task.{ending}" for ending in ("succeeded", "failed", "canceled", "expired"))]
BAD = {
    "/hangs": hang(),
    "/cuts": cut_before_answer(),
    "/fails": reply(500),
    "/redirects": redirect("/elsewhere"),
    "/drips": drip(),
    "/gone": reply(410),
    "/slow": reply(204),
}
GOOD = {"acme": "/acme", "bolt": "/bolt"}
USUAL_S = 2.0  # from an event to its arrival, on a machine that is shared with all else
TOLD_WITHIN_S = 100.0  # a claim that was lost costs 30 s, and each try that a killed worker took along some more


@dataclass(frozen=True)
class Told:
    """One arrival: `waited_s` after its event."""

    id: str
    type: str
    task: str
    waited_s: float


@dataclass
class Hooks:
    """The endpoints of one fire; `secrets` by path. What came before is not theirs."""

    stage: Stage
    made: list[tuple[str, str]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._since = len(self.stage.customers.got)

    def open(self, account: str, path: str) -> None:
        made = self._call("POST", account, "/api/v1/webhook-endpoints", {"url": f"{self.stage.customers.url}{path}", "events": EVENTS})
        self.made.append((account, made["id"]))
        self.secrets[path] = made["secret"]

    def close(self) -> None:
        for account, id in self.made:
            self._call("DELETE", account, f"/api/v1/webhook-endpoints/{id}")

    def at(self, path: str) -> list[Told]:
        """What came there, in its order; raises where a signature does not hold."""
        customers, judge = self.stage.customers, Webhook(self.secrets.get(path, ""))
        arrived = list(zip(customers.arrived, customers.got, strict=False))[self._since :]
        return [_told(when, judge.verify(got.body, dict(got.headers))) for when, got in arrived if got.path == path]

    def open_deliveries(self) -> int:
        """How many the good ones still wait for."""
        ours = " OR ".join(f"url LIKE '%{path}'" for path in GOOD.values())
        open = f"SELECT COUNT(*) FROM tasks_app_delivery WHERE status IN ('pending', 'sending') AND ({ours})"
        return int(self.stage.sql(open)[0][0])

    def _call(self, method: str, account: str, path: str, body: dict | None = None) -> dict:
        headers = {"Authorization": f"Bearer {self.stage.keys[account]}", "Content-Type": "application/json"}
        request = Request(self.stage.web.url + path, json.dumps(body).encode() if body else None, headers, method=method)
        with urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"{}")


def open_endpoints(scene: Scene) -> None:
    hooks = Hooks(scene.stage)
    for path, order in BAD.items():
        scene.stage.customers.always(order, at=path)
        hooks.open("acme", path)
    for account, path in GOOD.items():
        hooks.open(account, path)
    scene.afterwards.append(partial(told_well, hooks))


@trouble(first=open_endpoints, tasks=100, over_s=12.0)
def receivers_hang_cut_refuse_redirect_and_drip(scene: Scene) -> None:
    """Seven endpoints of an account are bad: another account's hears of each event within moments, and its own good one of each too."""
    scene.load.join()
    scene.afterwards.append(in_time)


@trouble(first=open_endpoints, tasks=120, over_s=12.0, **DEADLY)
def receivers_are_bad_while_workers_mariadb_and_redis_are_killed(scene: Scene) -> None:
    """Good ones hear of each event once or more, under one id; signatures hold, and a task's events come in their order."""
    stage = scene.stage
    victims = (lambda: at_work(scene), lambda: stage.mariadb, lambda: stage.redis)
    scene.while_clients_post(lambda: scene.kill(scene.dice.choice(victims)()), every_s=(1.5, 3.0), most=5)


def told_well(hooks: Hooks, found: Findings, rows: Mapping[str, Row]) -> None:
    """What the good ones were told, held against the tasks; then the endpoints go."""
    wait_for(lambda: not hooks.open_deliveries(), within_s=TOLD_WITHIN_S)
    names = dict(hooks.stage.sql("SELECT id, name FROM accounts_account"))
    again = 0
    for account, path in GOOD.items():
        came = hooks.at(path)
        mine = {row.shown: row for row in rows.values() if names[row.account] == account}
        found.wrong += _wrong_at(path, [one for one in came if one.task in mine], mine)
        waits = sorted(one.waited_s for one in came)
        found.told_p99_s = waits[int(len(waits) * 0.99)]  # bolt's comes last, whose only endpoint is a good one
        found.notes.append(f"{account}'s good receiver got {len(came)}, p99 {found.told_p99_s:.1f} s after the event")
        again += len(came) - len({one.id for one in came})
    if any(got.path == "/elsewhere" for got in hooks.stage.customers.got):
        found.wrong.append("a redirect was followed")
    if hooks.stage.sql("SELECT COUNT(*) FROM tasks_app_webhookendpoint WHERE url LIKE '%/gone' AND is_enabled") != [["0"]]:
        found.wrong.append("an endpoint that answered 410 is still enabled")
    found.notes.append(f"{again} came again")
    hooks.close()


def in_time(found: Findings, rows: Mapping[str, Row]) -> None:
    if found.told_p99_s > USUAL_S:
        found.wrong.append(f"bolt was told of one event in a hundred more than {found.told_p99_s:.1f} s late")


def _wrong_at(path: str, came: list[Told], mine: Mapping[str, Row]) -> list[str]:
    by_task: dict[str, list[Told]] = defaultdict(list)
    for one in came:
        by_task[one.task].append(one)
    wrong = []
    for task, row in mine.items():
        endings = {one.id for one in by_task[task] if one.type == f"task.{row.status}"}
        types = [one.type for one in by_task[task]]
        if len(endings) != 1:
            wrong.append(f"{path} was told of the end of {row.key} under {len(endings)} ids")
        if len({one.id for one in by_task[task]}) != len(set(types)):
            wrong.append(f"{path} was told of an event of {row.key} under several ids: {types}")
        if STARTED in types and types.index(f"task.{row.status}") < len(types) - 1 - types[::-1].index(STARTED):
            wrong.append(f"{path} was told of {row.key} out of order: {types}")
    return wrong


def _told(when: float, event: dict) -> Told:
    return Told(event["id"], event["type"], event["data"]["id"], when - datetime.fromisoformat(event["timestamp"]).timestamp())
