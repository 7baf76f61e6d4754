"""Refund: the operator gives back what a task captured."""

from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import IntegrityError

from accounts import credits

from ..ids import shown
from ..models import Flag, Task
from . import flags, lifecycle
from .accept import Problem
from .transactions import whole


def request(task_id: UUID, *, by: str, note: str, now: datetime) -> int:
    """Give a task's account back all that the task captured, once; returns how many credits. It ends the task's flags.

    Raises Problem 404 or 409.
    """
    try:
        return whole(partial(_request, task_id, by, note, now))
    except IntegrityError:  # the ledger takes one refund for a task, whoever asks first
        raise Problem(409, "not_refundable", "What this task captured has been given back already.") from None


def _request(task_id: UUID, by: str, note: str, now: datetime) -> int:
    task = Task.objects.filter(id=task_id).values("account_id", "status", "captured").first()
    if task is None:
        raise Problem(404, "not_found", "There is no such task.")
    if not task["captured"]:
        raise Problem(409, "not_refundable", "This task captured no credits: there is nothing to give back.")
    lifecycle.record([task_id], task["status"], now=now, detail={"refunded": task["captured"], "note": note}, by=by)
    flags.end_all(task_id, Flag.Ending.REFUNDED, by=by, note=note, now=now)
    credits.refund(task["account_id"], task["captured"], reference=shown("task", task_id), by=by, note=note, now=now)
    return task["captured"]
