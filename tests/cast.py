"""The standing cast: acme pays, bolt is the neighbour who must see nothing, zero is out of credits; plasma behaves, grit does not, bell
calls; `in_cos`: files lie in a bucket, for which `sts` gives out keys.

`road` runs the engine's steps by hand, on a clock that only tests move.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accounts import credits, keys
from accounts.models import Account
from providers import breakers, catalogue, credentials, directory, rates
from providers.models import Breaker, Provider, PublicModel, Route
from tasks_app.engine import accept, cancel, loop, notify, poll, pump, store, submit
from tasks_app.engine.decisions import Outcome
from tasks_app.models import Task
from tests.upstreams import Bell, Cos, Grit, Plasma, Sts

START = datetime(2026, 3, 1, 12, tzinfo=UTC)

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["prompt"],
    "properties": {
        "prompt": {"type": "string", "minLength": 1},
        "duration": {"type": "integer", "minimum": 1, "maximum": 30, "default": 5},
        "n": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
    },
}


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = START):
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **delta) -> None:
        self.now += timedelta(**delta)


@dataclass
class Member:
    """An account with a key, as a client sees itself."""

    account: Account
    key: str
    clock: HandClock

    @property
    def id(self) -> int:
        return self.account.id

    @property
    def balance(self) -> int:
        return Account.objects.get(id=self.id).balance

    @property
    def held(self) -> int:
        return Account.objects.get(id=self.id).held

    @property
    def active(self) -> int:
        return Account.objects.get(id=self.id).active

    def order(self, model: str, *, prompt: str = "a red fox", duration: int = 5, **more) -> accept.Order:
        given = {name: more.pop(name) for name in ("n",) if name in more}
        return accept.Order(model=model, input={"prompt": prompt, "duration": duration, **given}, **more)

    def submits(self, model: str, **more) -> Task:
        return accept.one(self.id, self.order(model, **more), now=self.clock()).task

    def cancels(self, task: Task) -> None:
        cancel.request(task.id, self.id, by=self.account.name, now=self.clock())


@dataclass
class Road:
    """The engine's steps, run in this thread until nothing moves."""

    clock: HandClock

    def submits(self) -> int:
        return submit.run(self.clock)

    def calls(self, step, claimed) -> Outcome:
        """What a step's call for one claimed row comes to; for tests that put something between the beats."""
        return loop.start(pump.outcome_of(step.call, claimed)).result(20)

    def polls(self) -> int:
        return poll.run(self.clock)

    def stores(self) -> int:
        return store.run(self.clock)

    def notifies(self) -> int:
        return notify.run(self.clock)

    def moves_to_next_due(self) -> bool:
        """Move the clock to when the next row is due, to its deadline, or to a breaker's next probe; False where no task is open."""
        due = list(Task.objects.filter(finished_at=None).values_list("due_at", "deadline_at"))
        probes = Breaker.objects.exclude(state="closed").values_list("retry_at") if due else ()
        ahead = [at for row in [*due, *probes] for at in row if at and at > self.clock.now]
        if not ahead:
            return False
        self.clock.now = min(ahead)
        return True

    def runs_dry(self, *, rounds: int = 200) -> None:
        """All steps, again and again, the clock moved to what is due next, until no row waits for a worker any more."""
        for _ in range(rounds):
            if self.submits() + self.polls() + self.stores() == 0 and not self.moves_to_next_due():
                return
        raise AssertionError(f"the road did not run dry in {rounds} rounds: {list(Task.objects.values('status', 'due_at', 'tries'))}")


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def road(clock, db) -> Road:
    return Road(clock)


@pytest.fixture
def member(db, clock):
    """Make an account: member("acme", credits=1000, max_active=100)."""

    def make(name: str, *, credits: int = 0, max_active: int = 100) -> Member:
        account = Account.objects.create(name=name, max_active=max_active)
        if credits:
            _grant(account, credits, clock())
        return Member(account, keys.make(account, "test", now=clock())[1], clock)

    return make


def _grant(account: Account, amount: int, now: datetime) -> None:
    credits.grant(account.id, amount, by="test", note="", now=now)


@pytest.fixture
def acme(member) -> Member:
    return member("acme", credits=1000)


@pytest.fixture
def bolt(member) -> Member:
    return member("bolt", credits=1000)


@pytest.fixture
def zero(member) -> Member:
    return member("zero")


@pytest.fixture
def many_writers(transactional_db):
    """For tests in which several threads write at the same moment, each on a connection of its own."""
    if connection.vendor != "mysql":
        pytest.skip("SQLite has one writer at a time")


@pytest.fixture
def plasma(db, settings):
    with Plasma(seconds=0.01) as simulator:
        configure(simulator, "plasma", settings)
        yield simulator
        loop.start(directory.close()).result(10)


@pytest.fixture
def grit(db, settings):
    with Grit(seconds=0.01) as simulator:
        configure(simulator, "grit", settings)
        yield simulator
        loop.start(directory.close()).result(10)


@pytest.fixture
def bell(db, settings, clock):
    """An upstream that is given addresses to call, where nobody listens: what it would say there, tests say (`Bell.ringing`)."""
    settings.HOOKS_URL = "http://127.0.0.1:9"
    with Bell(manual=True, clock=lambda: clock().timestamp()) as simulator:
        configure(simulator, "bell", settings)
        yield simulator
        loop.start(directory.close()).result(10)


@pytest.fixture
def sts():
    """Who gives out temporary keys for `in_cos`."""
    with Sts() as simulator:
        yield simulator


@pytest.fixture
def in_cos(settings, sts):
    """Files are kept in this simulated bucket."""
    with Cos() as simulator:
        for name, value in (simulator.variables | sts.variables).items():
            setattr(settings, name, value)
        yield simulator


def configure(simulator, name: str, settings, **caps) -> Provider:
    """A provider for the simulator, and its models `darkroom/<name>-image` at 3 credits each and `-video` at 2 a second."""
    settings.ADAPTERS = [f"tests.upstreams.{which}_adapter" for which in ("plasma", "grit", "bell")]
    settings.EGRESS_ALLOW = [*settings.EGRESS_ALLOW, f"127.0.0.1:{simulator.port}"]
    provider = Provider.objects.create(name=name, adapter=f"{name}_adapter", base_url=simulator.url, **caps)
    credentials.rotate(provider, simulator.credentials, now=START)
    for kind, price, outputs in (("image", "3 * n", "n"), ("video", "2 * duration", "1")):
        model = PublicModel.objects.create(
            name=f"darkroom/{name}-{kind}", kind=f"{kind}.generate", title=name, input_schema=SCHEMA, price=price, outputs=outputs
        )
        Route.objects.create(model=model, provider=provider, upstream_model=f"{name}-{kind}")
    forget_rows()
    return provider


@pytest.fixture(autouse=True)
def forget():
    """Each test reads the catalogue and the directory afresh."""
    forget_rows()
    yield
    forget_rows()


def forget_rows() -> None:
    breakers.forget()
    rates.forget()
    catalogue.forget()
    directory.forget()
