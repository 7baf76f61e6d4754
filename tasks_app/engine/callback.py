"""A callback: an upstream says that one of our jobs has news. It is never believed: the row becomes due, and a worker asks.

Whoever holds the row meanwhile keeps it, and asks once more when it lands (lifecycle reads `called`). The attempt is written first and
the row second, as landings do, so a callback either is seen by the landing or finds the row that it left.

A call about a job that no task follows has late.py ask what became of it. A task that is over stays as it is.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from django.db.models import Case, F, Value, When

from providers import directory, registry
from providers.outcomes import Callback, Heard

from ..models import Attempt, Task
from . import lifecycle, wake
from .attempts import BOUGHT, OPEN
from .decisions import Quarantined
from .lifecycle import APART
from .transactions import whole

log = logging.getLogger(__name__)

LONGEST_HINT = 2_000  # bytes of JSON; handles are far shorter


def came(token: str, callback: Callback, *, now: datetime) -> Heard | None:
    """Take a callback about this attempt; returns what it says, or None where there is no such attempt. Twice is as good as once."""
    attempt = Attempt.objects.filter(token=token).first()
    task = attempt and Task.objects.filter(id=attempt.task_id).values("id", "status", "error_code").first()
    if not task:
        return None
    heard = _heard(attempt.provider_id, callback)
    if not heard.is_handshake and whole(partial(_record, attempt, task, heard, now)):
        wake.wake("submit" if task["status"] == "submitting" else "poll")
    return heard


def _heard(provider_id: int, callback: Callback) -> Heard:
    """What the adapter reads in it; nothing where that fails, for the call itself is news enough."""
    try:
        heard = registry.adapter_class(directory.provider(provider_id).adapter).hear(callback)
        return heard if heard.handle is None or len(orjson.dumps(heard.handle)) <= LONGEST_HINT else Heard(answer=heard.answer)
    except Exception:
        # A door to an adapter's code and a stranger's bytes.
        log.exception("a callback of provider %s cannot be read", provider_id)
        return Heard()


def _record(attempt: Attempt, task: dict[str, Any], heard: Heard, now: datetime) -> bool:
    """Write it down; whether the task follows this attempt, and is due by it."""
    mine = Attempt.objects.filter(id=attempt.id)
    mine.update(called_at=now, **({} if heard.handle is None else {"hint": dict(heard.handle)}))
    soon = max(now, attempt.called_at + APART) if attempt.called_at else now
    if _followed(attempt, soon):
        return True
    if _is_left_open(attempt, task):
        mine.update(late_outcome=OPEN, ask_at=soon)
    return False


def _followed(attempt: Attempt, soon: datetime) -> bool:
    number = int(attempt.token.rpartition("-")[2])
    followed = Task.objects.filter(id=attempt.task_id, attempts=number, status__in=lifecycle.OPEN)
    is_free = {"lease_token": 0}
    return bool(
        followed.update(
            due_at=Case(When(**is_free, due_at__gt=soon, then=Value(soon)), default=F("due_at")),
            called=Case(When(**is_free, then=Value(False)), default=Value(True)),
        )
    )


def _is_left_open(attempt: Attempt, task: dict[str, Any]) -> bool:
    """Whether there is a job of which no task knows what it came to: one given up, or one that was said not to be there."""
    if task["error_code"] == Quarantined.code:
        return False  # whoever asks about it may be the next to die
    return attempt.late_outcome == OPEN or (attempt.late_outcome == "" and attempt.outcome not in BOUGHT)
