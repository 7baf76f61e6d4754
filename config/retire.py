"""A worker that has grown too large ends, as by TERM: it claims nothing more, finishes or gives back what is open, and whoever keeps it
(systemd, manage.py up, a container's own) starts it anew.

Celery's `worker_max_memory_per_child` counts for the children of a pool that forks. Ours are threads, for which it does nothing.
"""

import logging
import os
import signal
from threading import Event, Thread

from celery.bootsteps import StartStopStep

from .env import env
from .memory import MB, resident_bytes

log = logging.getLogger(__name__)

EVERY_S = 5.0  # a look costs 10 µs; a leak that fills a server sooner is the kernel's to end


class Retirement(StartStopStep):
    """Watches this process from its start on, whether or not the broker ever answers."""

    requires = ("celery.worker.components:Pool",)  # as the ticks: after a fork there would be no thread

    def __init__(self, worker, **options):
        super().__init__(worker, **options)
        self._over = Event()

    def start(self, worker) -> None:
        Thread(target=watch, args=(env["WORKER_MEMORY_LIMIT_MB"] * MB, self._over), name="retirement", daemon=True).start()

    def stop(self, worker) -> None:
        self._over.set()


def watch(limit: int, over: Event) -> None:
    """Look until it is `over`, or too much; what ends the process is the signal that its keeper would send."""
    while not over.wait(EVERY_S):
        if (resident := resident_bytes()) > limit:
            log.warning("retiring at %d MB, above WORKER_MEMORY_LIMIT_MB=%d", resident // MB, limit // MB)
            return os.kill(os.getpid(), signal.SIGTERM)
    return None
