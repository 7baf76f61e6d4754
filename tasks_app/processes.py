"""Workers and beat report that they live, by a row each: so one look at the database tells who runs, on whichever machine.

A heartbeat by Celery's remote control would need Redis, and would be silent just when an operator asks.
"""

import logging
import os
import socket
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from threading import Event

from django.db import connections

from .models import Process

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=5)
GONE_AFTER = timedelta(seconds=30)  # six reports missed
KEEP = timedelta(days=1)

Clock = Callable[[], datetime]


class Reporter:
    """This process's row: made by the first `report`, kept up by the others, closed by `end`."""

    def __init__(self, kind: str, *, queues: Iterable[str] = (), samples: Callable[[], list] = list) -> None:
        self._kind, self._queues, self._samples = kind, sorted(queues), samples
        self._row: Process | None = None

    def report(self, *, now: datetime) -> None:
        if self._row and Process.objects.filter(id=self._row.id).update(seen_at=now, samples=self._samples()):
            return
        # A row that lies a day behind tells nobody anything; whoever starts clears it away.
        Process.objects.filter(seen_at__lt=now - KEEP).delete()
        self._row = Process.objects.create(
            kind=self._kind,
            host=socket.gethostname(),
            pid=os.getpid(),
            queues=self._queues,
            samples=self._samples(),
            started_at=now,
            seen_at=now,
        )

    def end(self, *, now: datetime) -> None:
        """Say that this process ended in order, with its last counts."""
        if self._row:
            Process.objects.filter(id=self._row.id).update(seen_at=now, ended_at=now, samples=self._samples())


def keep_reporting(reporter: Reporter, clock: Clock, ended: Event) -> None:
    """For a thread of its own: report until `ended`, whatever the database does meanwhile."""
    guarded(reporter.report, clock)
    while not ended.wait(EVERY.total_seconds()):
        guarded(reporter.report, clock)
        connections.close_all()  # a connection that is used for a millisecond every few seconds is one too many
    guarded(reporter.end, clock)
    connections.close_all()


def guarded(write: Callable[..., None], clock: Clock) -> None:
    """To be unable to report must stop no process from its work."""
    try:
        write(now=clock())
    except Exception as fault:  # noqa: BLE001 - a door: whatever it is, the next report is seconds away
        log.warning("this process could not be reported: %s", type(fault).__name__)
