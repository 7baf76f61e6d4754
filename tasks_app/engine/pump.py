"""The pump: claims rows while its window has room, keeps their calls open at once, and lands each outcome as it arrives.

take ─► call (on the event loop, no transaction open) ─► land
take: rows claimed, in a transaction of its own     land: the outcomes that have arrived, in one short transaction
"""

import logging
from asyncio import CancelledError
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Event, Lock
from time import monotonic, sleep
from typing import Any, Protocol, TypeVar

from django.db import InterfaceError, OperationalError, close_old_connections

from providers.errors import OutcomeUnknown, UpstreamError

from ..metrics import CALLS
from . import claims as task_claims
from . import loop
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome

log = logging.getLogger(__name__)
T = TypeVar("T")

AWAY = (OperationalError, InterfaceError)
Arrived = list[tuple[Claimed, Outcome]]
stopping = Event()  # set when the process was asked to stop: nothing more is claimed
LAND_AT_ONCE = 200
LOOK_EVERY = 0.5  # seconds between looks for due rows while calls are open
STOP_WITHIN = 20.0  # seconds that open calls may still take after the process was asked to stop
SLOW = 2.0  # seconds after which a call takes no room from others: it waits for its upstream, and waiting costs us next to nothing
BREATH = 0.5  # seconds before the database is asked again after it failed


class Claims(Protocol):
    """A module that claims rows of one table: how long a claim lasts, how it is extended, how given back."""

    LEASE: timedelta

    def extend(self, claimed: list[Any], *, now: datetime) -> int: ...

    def give_back(self, claimed: list[Any], *, now: datetime) -> int: ...


@dataclass
class Pump:
    """One step of the road, run by one thread at a time in this process; `wake` makes a running pump look for rows at once.

    `window` calls are open at once, and as many again as wait for slow upstreams, up to `windows` in all: else one that
    answers nobody would fill the window, and the tasks of all others would wait for its time-outs.
    """

    name: str
    take: Callable[[int, Clock], list[Claimed]]
    call: Callable[[Claimed], Awaitable[Outcome]]
    land: Callable[[Arrived, Clock], None]
    window: int
    windows: int = 1
    claims: Claims = task_claims
    repeatable: bool = True  # whether a call that was cut off may simply be made again
    timed: Callable[[Any, Outcome, float], None] | None = None  # hears each outcome and its seconds, on the loop's thread
    wake: Event = field(default_factory=Event)
    busy: Lock = field(default_factory=Lock)

    def run(self, clock: Clock, *, wait: bool = False) -> int:
        """Work until nothing is due and nothing is open, or until asked to stop; returns how many outcomes landed.

        Where another thread of this process runs it already, that one is told to look again (or, with `wait`, waited for).
        Without `wait`, this is a wake-up's run: the step's own thread is told of it too (ticks.AGAIN).
        """
        if not self.busy.acquire(blocking=wait):
            self.wake.set()
            return 0
        try:
            return Run(self, clock).until_dry()
        finally:
            self.busy.release()
            if not wait:
                self.wake.set()


@dataclass
class Run:
    """One run of a pump: its open calls and what has arrived."""

    pump: Pump
    clock: Clock
    open: dict[int, Claimed] = field(default_factory=dict)  # by id(): a claim is no key
    arrived: SimpleQueue[tuple[Claimed, Outcome]] = field(default_factory=SimpleQueue)
    landed: int = 0
    looked_at: float = float("-inf")
    extended_at: float = field(default_factory=monotonic)
    there_is_more: bool = True
    stop_by: float = float("inf")

    def until_dry(self) -> int:
        while True:
            self.fill()
            if not self.open or self.must_leave():
                return self.landed
            self.land(self.wait())
            self.keep_claims()

    def must_leave(self) -> bool:
        """Whether the time to stop is up. What may be asked again goes back at once, the rest when its lease ends."""
        if not stopping.is_set():
            return False
        self.stop_by = min(self.stop_by, monotonic() + STOP_WITHIN)
        if monotonic() < self.stop_by:
            return False
        if self.pump.repeatable:
            guarded(lambda: self.pump.claims.give_back(list(self.open.values()), now=self.clock()))
        return True

    def fill(self) -> None:
        """Claim what the window has room for, and open its calls."""
        room = self.room()
        if stopping.is_set() or room <= 0 or not self.should_look(room):
            return
        self.pump.wake.clear()
        self.looked_at = monotonic()
        claimed = guarded(lambda: self.take(room)) or []
        self.there_is_more = len(claimed) >= room
        self.open.update((id(one), one) for one in claimed)
        loop.start_all([self.called(one) for one in claimed])

    def take(self, room: int) -> list[Claimed]:
        try:
            return self.pump.take(room, self.clock)
        except AWAY:
            raise
        except Exception:
            # A door: a look that fails must not take the run down, for what its open calls bring would be lost with it.
            log.exception("%s: a look for rows failed", self.pump.name)
            return []

    def room(self) -> int:
        """How many more calls may be opened."""
        if self.pump.windows == 1:
            return self.pump.window - len(self.open)
        now = monotonic()
        quick = sum(now - one.taken < SLOW for one in self.open.values())
        return min(self.pump.window - quick, self.pump.window * self.pump.windows - len(self.open))

    def should_look(self, room: int) -> bool:
        # Claiming a few rows at a time costs as much as claiming many: wait until a quarter of the window is free.
        worth_it = self.there_is_more and room * 4 >= self.pump.window
        return not self.open or worth_it or self.pump.wake.is_set() or monotonic() - self.looked_at > LOOK_EVERY

    async def called(self, claimed: Claimed) -> None:
        """On the loop's thread."""
        began = monotonic()
        outcome = await outcome_of(self.pump.call, claimed)
        try:
            took_s = monotonic() - began
            CALLS.labels(self.pump.name).observe(took_s)
            if self.pump.timed:
                self.pump.timed(claimed, outcome, took_s)
        finally:
            self.arrived.put((claimed, outcome))

    def wait(self) -> Arrived:
        """What has arrived, after waiting a moment for the first."""
        done: Arrived = []
        try:
            done.append(self.arrived.get(timeout=0.1))
            while len(done) < LAND_AT_ONCE:
                done.append(self.arrived.get_nowait())
        except Empty:
            pass
        for claimed, _ in done:
            del self.open[id(claimed)]
        return done

    def land(self, arrived: Arrived) -> None:
        """Write the outcomes down. They exist nowhere else, so a database that is away is asked again until it answers."""
        while arrived and guarded(lambda: self.land_each_if_need_be(arrived) or True) is None:
            if stopping.is_set() and monotonic() > self.stop_by:
                return log.error("%s: stopped with %d outcomes that the database did not take", self.pump.name, len(arrived))
            sleep(BREATH)
        self.landed += len(arrived)
        return None

    def land_each_if_need_be(self, arrived: Arrived) -> None:
        """All in one transaction; one by one where that fails, so that a single bad outcome holds up no other."""
        try:
            self.pump.land(arrived, self.clock)
        except AWAY:
            raise
        except Exception:
            # A door: the row keeps its claim, so it comes back, is counted as lost, and is quarantined if that goes on.
            log.exception("%s: %d outcomes could not be written", self.pump.name, len(arrived))
            for one in arrived if len(arrived) > 1 else ():
                self.land_each_if_need_be([one])

    def keep_claims(self) -> None:
        if self.open and monotonic() - self.extended_at > self.pump.claims.LEASE.total_seconds() / 3:
            self.extended_at = monotonic()
            guarded(lambda: self.pump.claims.extend(list(self.open.values()), now=self.clock()))


def guarded(work: Callable[[], T]) -> T | None:
    """`work`'s answer, or None when the database was away; its connection is then replaced, and the next try gets a new one."""
    try:
        return work()
    except AWAY as error:
        log.warning("the database is away: %s", error)
        close_old_connections()
        return None


async def outcome_of(call: Callable[[Claimed], Awaitable[Outcome]], claimed: Claimed) -> Outcome:
    """What the call came to; an error it raised is the outcome."""
    try:
        return await call(claimed)
    except UpstreamError as error:
        return error
    except (Exception, CancelledError):
        # A door: a fault of ours after the request may have left. Nothing is known of what it did there.
        log.exception("a call failed in our own code")
        return OutcomeUnknown()
