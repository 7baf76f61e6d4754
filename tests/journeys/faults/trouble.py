"""A trouble, the scene it comes over, and the table in which each is entered by a decorator."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.servers import Server
from tests.upstreams import Cos

from .between import Between
from .judge import Findings, Row
from .load import Load
from .stage import Stage, Worker, wait_for
from .watch import Watch


class NotHere(Exception):
    """This machine does not allow this trouble; the message says why."""


@dataclass
class Scene:
    """What a trouble may touch. `deaths`: when each server was killed.

    `afterwards`: what looks for more that is wrong, once the books are read.
    """

    stage: Stage
    dice: random.Random
    load: Load
    watch: Watch
    deaths: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    between: Between | None = None  # a wire to MariaDB, where the trouble has one
    bucket: Cos | None = None  # for files, likewise
    notes: list[str] = field(default_factory=list)
    afterwards: list[Callable[[Findings, Mapping[str, Row]], None]] = field(default_factory=list)

    def moment(self, least_s: float, most_s: float) -> None:
        """Let a time pass that the dice choose."""
        time.sleep(self.dice.uniform(least_s, most_s))

    def kill(self, server: Server, *, down_s: tuple[float, float] = (0.1, 1.0)) -> None:
        """KILL it, and start it again a moment later."""
        self.deaths[server.name].append(time.monotonic())
        server.kill()
        if isinstance(server, Worker):
            self.watch.killed()
        self.moment(*down_s)
        server.start()

    def while_clients_post(self, happens: Callable[[], Any], *, every_s: tuple[float, float], most: int = 8) -> None:
        """Again and again, at moments that the dice choose, for as long as tasks come in, but no more than `most` times."""
        for _ in range(most):
            self.moment(*every_s)
            if not self.load.goes_on:
                return
            happens()
        self.load.join()

    def wait_for(self, what: str, holds: Callable[[], bool], *, within_s: float) -> None:
        if wait_for(holds, within_s=within_s) is None:
            raise TimeoutError(f"not within {within_s:g} s: {what}")

    def any_worker(self) -> Worker:
        return self.dice.choice(self.stage.workers)


@dataclass(frozen=True)
class Trouble:
    """`happens` is named as a sentence. `tasks` are posted over `over_s` seconds, for `models` and by `accounts` in turn.

    `may_fail`: error codes that are no fault here. `loses_answers`: a submit's answer may be lost, so a task of an upstream without
    tokens may fail as unknown. `moves_within_s`: the leases of a worker that ended may live on for so long.
    `as_in`: the trouble before in which plasma's tasks took their usual time; they may take `adds_s` more (None: half as long again).
    `forgets`: the database loses tasks that it had accepted.
    """

    happens: Callable[[Scene], None]
    group: str
    first: Callable[[Scene], None] | None = None  # what happens before the first post
    tasks: int = 80
    over_s: float = 8.0
    models: tuple[str, ...] = ("fire/plasma", "fire/plasma", "fire/grit", "fire/either")
    accounts: tuple[str, ...] = ("acme", "acme", "acme", "acme", "bolt")
    may_fail: frozenset[str] = frozenset()
    loses_answers: bool = False
    moves_within_s: float = 60.0
    as_in: str = ""
    adds_s: float | None = None
    forgets: bool = False
    short: bool = False

    @property
    def name(self) -> str:
        return self.happens.__name__.replace("_", " ")

    @property
    def keeps(self) -> str:
        """Its promise: the function's docstring."""
        return " ".join((self.happens.__doc__ or "").split())


TROUBLES: list[Trouble] = []


def trouble(**facts: Any) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    """Enter this function in the table; its group is the module that it stands in."""

    def enter(happens: Callable[[Scene], None]) -> Callable[[Scene], None]:
        TROUBLES.append(Trouble(happens, group=happens.__module__.rpartition(".")[2], **facts))
        return happens

    return enter
