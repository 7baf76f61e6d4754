"""Cancel: a client or the operator says stop."""

from datetime import datetime
from functools import partial
from uuid import UUID

from ..models import Task
from . import claims, jobs, lifecycle, wake
from .accept import Problem
from .claims import Claimed
from .decisions import Move
from .transactions import whole

TRIES = 5


def request(task_id: UUID, account_id: int, *, by: str, now: datetime) -> None:
    """Cancel a task of this account: at once while it waits, at the upstream where that can stop it.

    Raises Problem 404 for a task that is not there, 409 for one that cannot be stopped any more. Asking twice is harmless.
    """
    for _ in range(TRIES):
        task = claims.read(task_id)
        if task is None or task.row["account_id"] != account_id:
            raise Problem(404, "not_found", "There is no such task.")
        if task.row["status"] == "canceled" or _canceled(task, by, now):
            return
    raise Problem(409, "not_cancelable", "The task is changing too fast; ask again.")


def _canceled(task: Claimed, by: str, now: datetime) -> bool:
    """Whether the cancel took hold; False when the row changed under it."""
    match task.row["status"]:
        case "queued":
            return bool(lifecycle.advance([lifecycle.Step(task, Move("canceled"), by=by)], now=now))
        case "submitting":
            return _ask(task, by, now)
        case "running" if jobs.facts(task).cancel != "unsupported":
            return _ask(task, by, now)
        case "running":
            raise Problem(409, "not_cancelable", "The upstream cannot stop this task any more.")
    raise Problem(409, "not_cancelable", f"A task that is {_word(task)} cannot be canceled.")


def _word(task: Claimed) -> str:
    return "being stored" if task.row["status"] == "storing" else task.row["status"]


def _ask(task: Claimed, by: str, now: datetime) -> bool:
    """Leave word on the row. A waiting row becomes due at once; a worker that holds it finds the word when it next asks."""
    if not whole(partial(_leave_word, task, by, now)):
        return False
    wake.wake("poll")
    return True


def _leave_word(task: Claimed, by: str, now: datetime) -> bool:
    same = Task.objects.filter(id=task.id, status=task.row["status"], lease_token=task.token)
    due = {"due_at": now} if task.token == 0 else {}
    if not same.update(cancel_requested_at=now, updated_at=now, **due):
        return False
    if task.row["cancel_requested_at"] is None:  # who asks again changes nothing, and could fill the log
        lifecycle.record([task.id], task.row["status"], now=now, detail={"asked": "cancel"}, by=by)
    return True
