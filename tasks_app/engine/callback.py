"""A callback: an upstream says that one of our jobs has news. It is never believed: the row becomes due, and a worker asks.

Whoever holds the row meanwhile keeps it, and asks once more when it lands (lifecycle reads `called`). The attempt is written first and
the row second, as landings do, so a callback either is seen by the landing or finds the row that it left.
"""

import logging
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from django.db.models import Case, F, OuterRef, Subquery, Value, When

from providers import directory, registry
from providers.outcomes import Callback, Heard

from ..models import Attempt, Task
from . import wake
from .lifecycle import APART, NEXT_STEP, OPEN
from .transactions import whole

log = logging.getLogger(__name__)

LONGEST_HINT = 2_000  # bytes of JSON; handles are far shorter
STEPS = {"submitting": "submit", "running": NEXT_STEP["running"]}


def came(token: str, callback: Callback, *, now: datetime) -> Heard | None:
    """Take a callback about this attempt; returns what it says, or None where there is no such attempt. Twice is as good as once."""
    task_status = Task.objects.filter(id=OuterRef("task_id")).values("status")
    attempts = Attempt.objects.filter(token=token).annotate(task_status=Subquery(task_status))
    attempt = attempts.values("task_id", "provider_id", "called_at", "task_status").first()
    if attempt is None:
        return None
    heard = _heard(attempt["provider_id"], callback)
    if heard.answer is None and whole(partial(_record, token, attempt, heard, now)):
        wake.wake(STEPS.get(attempt["task_status"], "poll"))
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


def _record(token: str, attempt: dict[str, Any], heard: Heard, now: datetime) -> bool:
    """Write it down; whether the task follows this attempt, and is due by it."""
    hint = {} if heard.handle is None else {"hint": dict(heard.handle)}
    Attempt.objects.filter(token=token).update(called_at=now, **hint)
    soon = max(now, attempt["called_at"] + APART) if attempt["called_at"] else now
    followed = Task.objects.filter(id=attempt["task_id"], attempts=int(token.rpartition("-")[2]), status__in=OPEN)
    is_free = {"lease_token": 0}
    return bool(
        followed.update(
            due_at=Case(When(**is_free, due_at__gt=soon, then=Value(soon)), default=F("due_at")),
            called=Case(When(**is_free, then=Value(False)), default=Value(True)),
        )
    )
