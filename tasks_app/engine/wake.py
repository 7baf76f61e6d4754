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
    "notify": "tasks_app.workers.notify_due",
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
    elif _may_send(step, monotonic()):
        _send(step)


def _may_send(step: str, now: float) -> bool:
    if now < _broken_until or now - _sent_at.get(step, -COALESCE) < COALESCE:
        return False
    _sent_at[step] = now
    return True


def _send(step: str) -> None:
    global _broken_until
    try:
        if cache.add(f"wake:{step}", 1, COALESCE):
            current_app.send_task(WORKER_FUNCTIONS[step], queue=step, ignore_result=True)
    except Exception as error:  # noqa: BLE001 - a door: whatever Redis's clients raise, a wake-up may be lost
        _broken_until = monotonic() + PAUSE
        log.warning("no wake-ups for %.0f s, workers look by themselves: %s", PAUSE, type(error).__name__)
