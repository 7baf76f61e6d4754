"""A worker's own ticks: each step that it serves is run when its next row is due, whether or not a wake-up or beat ever comes."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from random import uniform
from threading import Event, Thread
from time import monotonic
from typing import Any, NamedTuple

from celery import current_app
from celery.bootsteps import StartStopStep
from celery.signals import worker_shutdown, worker_shutting_down
from django.db import close_old_connections

from providers import directory, rates

from . import metrics, processes
from .engine import claims, loop, notify, poll, pump, store, submit, wake
from .engine.clock import Clock, database_clock
from .webhooks import claims as deliveries

log = logging.getLogger(__name__)


class Step(NamedTuple):
    """A pump, and when its next row is due (None: there is none); `leave` is what must be put right before the process ends."""

    pump: pump.Pump
    next_due: Callable[[], datetime | None]
    leave: Callable[[Clock], object] = lambda clock: None


def next_submit() -> datetime | None:
    """A waiting row, or one that a dead worker left in mid-submit: it is due when the lease ends."""
    return min(filter(None, map(claims.next_due, ("queued", "submitting"))), default=None)


STEPS = {
    "submit": Step(submit.pump, next_submit, submit.leave),
    "poll": Step(poll.pump, partial(claims.next_due, "running")),
    "store": Step(store.pump, partial(claims.next_due, "storing")),
    "notify": Step(notify.pump, deliveries.next_due),
}
IDLE = 3.0  # seconds, ± 20 %, between looks when nothing is known to become due; what nobody wakes us for waits for so long
BLOCKED = 1.0  # seconds between looks when rows are due and none could be taken
SOONEST = 0.05
LAST_WORDS = 5.0  # seconds, when the time to stop is up, for what has arrived to be written and the rest to be given back
LAST_REPORT = 2.0  # seconds for a worker to say that it ended
AGAIN = wake.COALESCE + 0.05  # seconds until one more look after a wake-up: it stood for all that came within COALESCE of it

_ticking: list[Thread] = []
_reporting: list[Thread] = []
_ended = Event()  # nothing ticks any more


class Ticks(StartStopStep):
    """Begins with the worker's process, not when it is `worker_ready`: that comes only once the broker has answered."""

    requires = ("celery.worker.components:Pool",)  # else a pool that forks would copy our threads' locks

    def start(self, worker) -> None:
        """Begin to tick for the queues that this worker consumes."""
        queues = worker.app.amqp.queues.consume_from.keys()
        for step in STEPS.keys() & queues:
            wake.here[step] = STEPS[step].pump.wake
            _ticking.append(Thread(target=tick, args=(step, database_clock), name=f"tick-{step}", daemon=True))
            _ticking[-1].start()
        reporter = processes.Reporter("worker", queues=queues, samples=metrics.samples)
        report(processes.keep_reporting, reporter, database_clock, _ended)
        report(rates.keep_flushing, _ended)


current_app.steps["worker"].add(Ticks)


@worker_shutting_down.connect
def stop(**_) -> None:
    """Claim nothing more; what is open may still finish."""
    pump.stopping.set()
    for step in STEPS.values():
        step.pump.wake.set()


@worker_shutdown.connect
def hang_up(**_) -> None:
    """Wait for the pumps, of which Celery knows nothing: with the process their open calls would end, paid ones among them.

    Then close the connections to upstreams, on the loop that opened them.
    """
    stop()
    gone_by = monotonic() + pump.STOP_WITHIN + LAST_WORDS
    for thread in _ticking:
        thread.join(max(0.0, gone_by - monotonic()))
    _ended.set()
    for thread in _reporting:
        thread.join(LAST_REPORT)
    loop.start(directory.close()).result(5)


def report(work: Callable[..., None], *given: Any) -> None:
    """In a thread of its own, until nothing ticks any more."""
    _reporting.append(Thread(target=work, args=given, name=work.__name__, daemon=True))
    _reporting[-1].start()


def tick(step: str, clock: Clock) -> None:
    """Run one step for as long as the process lives."""
    mine, woken = STEPS[step], False
    while not pump.stopping.is_set():
        try:
            landed = mine.pump.run(clock, wait=True)
            pause = pause_until(mine.next_due(), clock)
            if landed or woken:
                pause = min(pause, AGAIN)
        except Exception:
            # A door: whatever went wrong, the step must go on, or its tasks stand still until a restart.
            log.exception("step %s failed", step)
            pause = IDLE
        close_old_connections()
        woken = mine.pump.wake.wait(pause)
    pump.guarded(partial(mine.leave, clock))


def pause_until(due_at: datetime | None, clock: Clock) -> float:
    """Seconds until the next row is due, never more than an idle tick."""
    idle = IDLE * uniform(0.8, 1.2)
    if due_at is None:
        return idle
    left = (due_at - clock()) / timedelta(seconds=1)
    return BLOCKED if left <= 0 else min(max(left, SOONEST), idle)
