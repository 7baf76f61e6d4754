"""What clients ask for at the very moment of a deadline."""

import http.client
import json
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.upstreams import answer

from .furnish import DEADLINE_S
from .judge import Findings, Row
from .stage import Stage
from .trouble import Scene, trouble

CURT, BRIEF = "fire/curt", "fire/brief"
AGAIN = "-again"
LEFT = """
    SELECT idempotency_key, TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), deadline_at) / 1e6
    FROM tasks_app_task WHERE idempotency_key IN ('{keys}')
"""
RETRIES = """
    SELECT COUNT(DISTINCT e.id) FROM tasks_app_task t
    LEFT JOIN tasks_app_taskevent e ON e.task_id = t.id AND JSON_CONTAINS_PATH(e.detail, 'one', '$.retried_as')
    WHERE t.idempotency_key IN ('{keys}') GROUP BY t.id
"""


@trouble(tasks=48, over_s=4.0, models=(CURT, BRIEF), may_fail=frozenset({"expired"}))
def clients_retry_at_the_moment_of_the_deadline(scene: Scene) -> None:
    """While the upstream is just done, or our own next attempt comes: one verdict, and twins of a retry are given the same new task."""
    stage, plasma, grit = scene.stage, scene.stage.upstreams["plasma"], scene.stage.upstreams["grit"]
    plasma.manual = True
    for _ in scene.load.posts:
        grit.will(answer(429, retry_after=DEADLINE_S[BRIEF] - scene.dice.uniform(1.0, 3.0)))
    scene.load.join()
    retries = Retries(stage, {post.key: post.account for post in scene.load.posts})
    try:
        retries.at_the_deadlines(scene)
    finally:
        plasma.manual = False
        plasma.finish()
    scene.load.ids.update(retries.made)
    scene.load.wrong.extend(retries.wrong)
    scene.notes.append(f"{retries.early} retries came too early and were told so, {retries.replayed} were given what their twin had made")
    scene.afterwards.append(retries.once)


@dataclass
class Retries:
    """Two clients ask for each task's retry, with one key, from just before its deadline until they get it. `made`: key → task."""

    stage: Stage
    accounts: Mapping[str, str]  # by the key of the task to be retried
    made: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    early: int = 0
    replayed: int = 0

    def at_the_deadlines(self, scene: Scene) -> None:
        """plasma's jobs end there too, by hand."""
        began = time.monotonic()
        left_s = {key: float(left) for key, left in self.stage.sql(LEFT.format(keys="', '".join(self.accounts)))}
        moments = [(began + left + scene.dice.uniform(-0.6, 0.2), key) for key, left in left_s.items() for _ in range(2)]
        ends = sorted((began + left + scene.dice.uniform(-1.5, 0.3), key) for key, left in left_s.items())
        with ThreadPoolExecutor(len(moments)) as clients:
            asked = [(key, clients.submit(self._insist, scene.load.ids[key], key, moment)) for moment, key in moments]
            for moment, key in ends:
                sleep_until(moment)
                self._finish(key)
        for key in left_s:
            self._judge(key, [asking.result() for about, asking in asked if about == key])

    def once(self, found: Findings, rows: Mapping[str, Row]) -> None:
        """In the tasks' own histories there is one retry each, and some deadlines were met just so."""
        counts = [int(count) for (count,) in self.stage.sql(RETRIES.format(keys="', '".join(self.accounts)))]
        found.wrong += [f"a task was retried {count} times" for count in counts if count != 1]
        ends = Counter(rows[key].status for key in self.accounts)
        found.notes.append(f"{ends['expired']} expired, {ends['succeeded']} succeeded")
        if not self.early or not ends["expired"]:
            found.wrong.append("no retry met a deadline, so nothing was tried")

    def _insist(self, id: str, key: str, moment: float) -> list[tuple[int, dict]]:
        """Every answer until the task is over."""
        sleep_until(moment)
        gives_up_at, got = time.monotonic() + 30, [self._ask(id, key)]
        while got[-1][0] == 409 and time.monotonic() < gives_up_at:
            time.sleep(0.05)
            got.append(self._ask(id, key))
        return got

    def _finish(self, key: str) -> None:
        plasma = self.stage.upstreams["plasma"]
        plasma.manual = False  # what is ordered anew takes its usual time
        for job in [job for job, customer in dict(plasma.customers).items() if customer == key]:
            plasma.finish(job)

    def _ask(self, id: str, key: str) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.stage.web_port, timeout=20)
        headers = {"Authorization": f"Bearer {self.stage.keys[self.accounts[key]]}", "Idempotency-Key": f"{key}{AGAIN}"}
        try:
            connection.request("POST", f"/api/v1/tasks/{id}/retry", headers=headers)
            answered = connection.getresponse()
            return answered.status, json.loads(answered.read())
        finally:
            connection.close()

    def _judge(self, key: str, got: list[list[tuple[int, dict]]]) -> None:
        lasts = [answers[-1] for answers in got]
        self.early += sum(len(answers) - 1 for answers in got)
        self.replayed += sum(status == 200 for status, _ in lasts)
        if sorted(status for status, _ in lasts) != [200, 201] or len({body.get("id") for _, body in lasts}) != 1:
            self.wrong.append(
                f"the retries of {key} were answered {[(status, body.get('id', body.get('code'))) for status, body in lasts]}"
            )
        self.made |= {f"{key}{AGAIN}": body["id"] for _, body in lasts if "id" in body}


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
