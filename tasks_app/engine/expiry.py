"""Expiry: tasks that still wait at their deadline, parked ones too, end and get their credits back.

Rows of a full lane are claimed by nobody, so no claim would ever meet their deadline; an index on it finds them.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from ..models import Task
from . import claims, lifecycle
from .clock import Clock
from .decisions import Expired, Move

AT_ONCE = 500  # in one transaction; a second or two later the next ones follow


def run_once(*, clock: Clock, limit: int = AT_ONCE) -> int:
    """Expire up to `limit` waiting tasks, the longest overdue first; returns how many."""
    now = clock()
    return expire(list(late(now).order_by("deadline_at").values_list("id", flat=True)[:limit]), now=now)


def late(now: datetime) -> QuerySet:
    """The tasks that still wait at their deadline."""
    return Task.objects.filter(status="queued", deadline_at__lte=now)


def expire(task_ids: Sequence[UUID], *, now: datetime) -> int:
    """End those of these tasks that wait still; returns how many."""
    waiting = [task for task in claims.read_all(task_ids) if task.row["status"] == "queued"]
    return len(lifecycle.advance([lifecycle.Step(task, Move("expired", error=Expired())) for task in waiting], now=now))
