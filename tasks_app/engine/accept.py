"""Accepting: from a client's order to a row in the queue, with its credits held in the same transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import credits, scopes
from accounts.scopes import ForbiddenByKey, Scope
from providers import catalogue

from .. import ids, inputs
from ..models import Task
from . import company, queue, wake
from .lanes import parking_lane, working_lane
from .transactions import whole


class Problem(Exception):
    """Why an order is refused: an HTTP status, a stable code, a sentence for people, and the fields at fault."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()):
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, list(errors)


@dataclass(frozen=True, slots=True)
class Order:
    """What a client asks for, its shape already checked. `expires_in` in seconds; `request_hash` of the whole body."""

    model: str
    input: Mapping[str, Any]
    metadata: Mapping[str, str] = field(default_factory=dict)
    priority: str = "normal"
    expires_in: int | None = None
    end_user: str = ""
    idempotency_key: str | None = None
    request_hash: bytes = b""
    retry_of: UUID | None = None
    webhook_url: str | None = None
    webhook_events: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The task, and whether it had been accepted before under the same idempotency key."""

    task: Task
    replayed: bool


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would cost, in credits, and how long its model typically takes, in seconds."""

    total: int
    items: list[dict]
    outputs: int
    typical_seconds: int


def one(account_id: int, order: Order, *, now: datetime, scope: Scope | None = None) -> Accepted:
    """Queue one order, or find the task that this idempotency key already made; raises Problem.

    `scope` restricts the key that asks; without one it may do all that the account may.
    """
    task = _row(account_id, order, now, scope=scope)
    try:
        if task.budget_key is not None or not company.join(task):
            whole(partial(_insert, task, scope))
    except IntegrityError:
        return _replay(account_id, order)
    except credits.InsufficientCredits as short:
        raise Problem(402, "insufficient_credits", str(short)) from short
    except ForbiddenByKey as forbidden:
        raise _forbidden(forbidden) from forbidden
    except credits.AccountDisabled as disabled:
        raise Problem(403, "account_disabled", str(disabled)) from disabled
    return Accepted(task, replayed=False)


def many(account_id: int, orders: Sequence[Order], *, now: datetime, scope: Scope | None = None) -> list[Accepted | Problem]:
    """Queue a batch in one transaction, in order, until the credits end; one answer for each order."""
    if scope and scope.has_budget:  # rare, and each task may be one too many for the budget
        return [_one_or_problem(account_id, order, now, scope) for order in orders]
    try:
        return whole(partial(_many, account_id, orders, now, scope))
    except IntegrityError:  # a twin of one of these came first: one at a time finds it
        return [_one_or_problem(account_id, order, now, scope) for order in orders]
    except credits.AccountDisabled as disabled:
        raise Problem(403, "account_disabled", str(disabled)) from disabled


def quote(account_id: int, order: Order, *, now: datetime, scope: Scope | None = None) -> Quote:
    """What the order would cost; buys nothing; raises Problem as `one` does."""
    model, _, price = _checked(account_id, order, now, scope=scope)
    return Quote(price.total, price.items, price.outputs, model.typical_seconds)


def _insert(task: Task, scope: Scope | None) -> None:
    # The account's row is the hottest one: it is locked last, for as short as can be.
    queue.insert([task])
    if task.budget_key is not None:
        scopes.draw(scope, task.hold)
    if credits.hold(task.account_id, task.hold) == "parked":
        _park(task)
        Task.objects.filter(id=task.id).update(lane=task.lane, due_at=None)
    else:
        transaction.on_commit(partial(wake.wake, "submit"))


def _park(task: Task) -> None:
    task.lane, task.due_at = parking_lane(task.account_id), None


def _many(account_id: int, orders: Sequence[Order], now: datetime, scope: Scope | None) -> list[Accepted | Problem]:
    references = inputs.named(account_id, [order.input for order in orders], now=now)
    rows = [_row_or_problem(account_id, order, now, references, scope) for order in orders]
    known = _by_key(account_id, [order.idempotency_key for order in orders if order.idempotency_key])
    fresh = _fresh(rows, known)
    queued = _insert_many(account_id, fresh)
    known |= {task.idempotency_key: task for task in queued if task.idempotency_key}
    made = {id(task) for task in queued}
    return [_answer(row, order, known, made) for row, order in zip(rows, orders, strict=True)]


def _fresh(rows: Sequence[Task | Problem], known: Mapping[str, Task]) -> list[Task]:
    """The rows to insert: valid ones, and of those that share an idempotency key the first."""
    fresh, keys = [], set(known)
    for row in rows:
        if isinstance(row, Task) and row.idempotency_key not in keys:
            fresh.append(row)
            keys |= {row.idempotency_key} - {None}
    return fresh


def _insert_many(account_id: int, fresh: list[Task]) -> list[Task]:
    standings = credits.hold_many(account_id, [task.hold for task in fresh]) if fresh else []
    queued = fresh[: len(standings)]
    for task, standing in zip(queued, standings, strict=True):
        if standing == "parked":
            _park(task)
    queue.insert(queued)
    transaction.on_commit(partial(wake.wake, "submit"))
    return queued


def _answer(row: Task | Problem, order: Order, known: Mapping[str, Task], made: set[int]) -> Accepted | Problem:
    if isinstance(row, Problem):
        return row
    if id(row) in made:
        return Accepted(row, replayed=False)
    if order.idempotency_key in known:
        return _replayed(known[order.idempotency_key], order)
    return Problem(402, "insufficient_credits", f"The account's credits ended before this task, which needs {row.hold}.")


def _one_or_problem(account_id: int, order: Order, now: datetime, scope: Scope | None) -> Accepted | Problem:
    try:
        return one(account_id, order, now=now, scope=scope)
    except Problem as problem:
        return problem


def _row_or_problem(account_id: int, order: Order, now: datetime, references: inputs.Known, scope: Scope | None) -> Task | Problem:
    try:
        return _row(account_id, order, now, references, scope=scope)
    except Problem as problem:
        return problem


def _row(account_id: int, order: Order, now: datetime, references: inputs.Known = inputs.NOTHING, *, scope: Scope | None = None) -> Task:
    model, input, price = _checked(account_id, order, now, references, scope=scope)
    return queue.row(
        id=ids.new(),
        account_id=account_id,
        kind=model.kind,
        model=model.name,
        lane=working_lane(model.name, order.priority),
        priority=order.priority,
        input=input,
        metadata=dict(order.metadata),
        end_user=order.end_user,
        retry_of=order.retry_of,
        webhook_url=order.webhook_url,
        webhook_events=order.webhook_events,
        idempotency_key=order.idempotency_key,
        request_hash=order.request_hash,
        cost_items=price.items,
        hold=price.total,
        budget_key=scope.key_id if scope and scope.has_budget else None,
        expected_outputs=price.outputs,
        due_at=now,
        deadline_at=now + timedelta(seconds=order.expires_in or model.deadline_seconds),
        created_at=now,
        updated_at=now,
    )


def _checked(
    account_id: int, order: Order, now: datetime, references: inputs.Known = inputs.NOTHING, *, scope: Scope | None = None
) -> tuple[catalogue.Model, dict, catalogue.Price]:
    """The model, the input with its defaults filled in, and what that costs; `references` are those looked up already."""
    try:
        model = _offered(order.model)
        if scope:
            scope.refuse_model(model.name)
        input = catalogue.validate(model, order.input)
        inputs.check(account_id, model, input, references, now=now)
        price = catalogue.price(model, input)
    except ForbiddenByKey as forbidden:
        raise _forbidden(forbidden) from forbidden
    except catalogue.UnknownModel:
        raise Problem(422, "invalid_input", "There is no such model.", [_no_model(order.model)]) from None
    except catalogue.InvalidInput as wrong:
        raise Problem(422, "invalid_input", "The input does not fit the model's schema.", wrong.errors) from None
    return model, input, price


def _offered(name: str) -> catalogue.Model:
    """The model of this name; one that is switched off is not there."""
    model = catalogue.get(name)
    if not model.is_enabled:
        raise catalogue.UnknownModel(name)
    return model


def _forbidden(why: ForbiddenByKey) -> Problem:
    return Problem(403, "forbidden_by_key", str(why))


def _no_model(name: str) -> dict[str, str]:
    return {"field": "model", "message": f"{name!r} is not a model here; GET /api/v1/models lists them."}


def _by_key(account_id: int, keys: Sequence[str]) -> dict[str, Task]:
    return {task.idempotency_key: task for task in Task.objects.filter(account=account_id, idempotency_key__in=keys)} if keys else {}


def _replay(account_id: int, order: Order) -> Accepted:
    answer = _replayed(_by_key(account_id, [order.idempotency_key])[order.idempotency_key], order)
    if isinstance(answer, Problem):
        raise answer
    return answer


def _replayed(task: Task, order: Order) -> Accepted | Problem:
    if bytes(task.request_hash) == order.request_hash:
        return Accepted(task, replayed=True)
    return Problem(422, "idempotency_key_reused", "This Idempotency-Key was used with another body. Use a new key for a new request.")
