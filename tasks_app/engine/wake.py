"""Wake-ups: 'there is work for this step'. Coalesced, without data, and lost at no cost: every worker also looks by itself."""

import logging
from threading import Event
from time import monotonic

from celery import current_app
from django.core.cache import cache

log = logging.getLogger(__name__)

WORKER_FUNCTIONS = {
    "submit": "tasks_app.workers.submit_due",
    "poll": "tasks_app.workers.poll_due",
    "store": "tasks_app.workers.store_due",
}
COALESCE = 0.2  # seconds in which one wake-up stands for all
PAUSE = 5.0  # seconds without wake-ups after the broker failed

here: dict[str, Event] = {}  # the steps that this very process runs
_sent_at: dict[str, float] = {}
_broken_until = 0.0


def wake(step: str) -> None:
    """Say that there is work for `step`: to this process if it runs the step, else by one message for all who say so at once."""
    if step in here:
        here[step].set()
    elif _is_first(step):
        _send(step)


def _is_first(step: str) -> bool:
    now = monotonic()
    if now < _broken_until or now - _sent_at.get(step, -COALESCE) < COALESCE:
        return False
    _sent_at[step] = now
    try:
        return cache.add(f"wake:{step}", 1, COALESCE)
    except Exception as error:  # a door: whatever the cache's client raises, a wake-up may be lost
        return _broke(error)


def _send(step: str) -> None:
    try:
        current_app.send_task(WORKER_FUNCTIONS[step], queue=step, ignore_result=True)
    except Exception as error:  # a door: likewise for the broker's client
        _broke(error)


def _broke(error: Exception) -> bool:
    global _broken_until
    _broken_until = monotonic() + PAUSE
    log.warning("no wake-ups for %.0f s, workers look by themselves: %s", PAUSE, type(error).__name__)
    return False
