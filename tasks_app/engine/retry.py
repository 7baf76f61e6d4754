"""Retry: a client or the operator orders once more what an ended task was to make. It becomes a task of its own."""

from datetime import datetime
from functools import partial
from hashlib import sha256
from uuid import UUID

from accounts.scopes import Scope

from ..ids import shown
from ..models import Task
from . import accept, lifecycle
from .accept import Accepted, Order, Problem
from .transactions import whole


def request(task_id: UUID, account_id: int, *, by: str, now: datetime, key: str | None = None, scope: Scope | None = None) -> Accepted:
    """Queue a new task of the order of one that is over; with an idempotency key, once. The events of both name each other and `by`.

    `scope` restricts the key that asks.

    Raises Problem 404 for a task that is not there, 409 for one that is not over, and what accept.one refuses.
    """
    return whole(partial(_request, task_id, account_id, by, now, key, scope))


def _request(task_id: UUID, account_id: int, by: str, now: datetime, key: str | None, scope: Scope | None) -> Accepted:
    task = Task.objects.filter(account_id=account_id, id=task_id).first()
    if task is None:
        raise Problem(404, "not_found", "There is no such task.")
    if task.status not in lifecycle.TERMINAL:
        raise Problem(409, "not_retryable", "The task is not over: wait for its end, or cancel it, then retry.")
    accepted = accept.one(account_id, _order(task, key), now=now, scope=scope)
    if not accepted.replayed:
        new = accepted.task
        lifecycle.record([new.id], new.status, now=now, detail={"retry_of": shown("task", task.id)}, by=by)
        lifecycle.record([task.id], task.status, now=now, detail={"retried_as": shown("task", new.id)}, by=by)
    return accepted


def _order(task: Task, key: str | None) -> Order:
    """There is no body to hash, so the hash is that of the id retried."""
    return Order(
        model=task.model,
        input=task.input,
        metadata=task.metadata,
        priority=task.priority,
        end_user=task.end_user,
        webhook_url=task.webhook_url,
        webhook_events=task.webhook_events,
        idempotency_key=key,
        request_hash=sha256(b"retry of " + task.id.bytes).digest(),
        retry_of=task.id,
    )
