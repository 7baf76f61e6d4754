"""Tasks: create, quote, batch, list, read, cancel, retry, delete."""

from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import ClassVar

from django.utils import timezone

from .. import cleanup, render, rows
from ..engine import accept, cancel, retry
from ..ids import shown
from ..render import dumps
from . import contract, filters, orders, prefer, problems
from .answer import Answer
from .view import PRIVATE, View, id_in


class Tasks(View):
    PARAMETERS: ClassVar = frozenset((*filters.READERS, filters.ANY_METADATA))

    @contract.create
    def post(self, request):
        order = orders.one(request.data, key=request.META.get("HTTP_IDEMPOTENCY_KEY"))
        now = timezone.now()
        accepted = accept.one(request.user.account_id, order, now=now, scope=request.user.scope)
        later = partial(_accepted_later, request.user.account_id, accepted)
        return prefer.or_later(request, _accepted(accepted, now), accepted.task.id, later)

    @contract.list_tasks
    def get(self, request):
        asked = filters.read(request.query_params)
        clause, params = filters.where(request.user.account_id, asked)
        found = rows.select(clause, params, limit=asked.limit + 1)
        page, has_more, now = found[: asked.limit], len(found) > asked.limit, timezone.now()
        return Answer(
            {
                "object": "list",
                "data": [render.task(row, now=now) for row in page],
                "has_more": has_more,
                "next_cursor": shown("task", page[-1].id) if has_more else None,
            },
            headers=PRIVATE,
        )


class Quote(View):
    @contract.quote
    def post(self, request):
        order = orders.one(request.data, key=request.META.get("HTTP_IDEMPOTENCY_KEY"))
        quote = accept.quote(request.user.account_id, order, now=timezone.now(), scope=request.user.scope)
        return Answer(
            {
                "object": "quote",
                "model": order.model,
                "credits": quote.total,
                "items": quote.items,
                "outputs": quote.outputs,
                "typical_seconds": quote.typical_seconds,
            }
        )


class Batch(View):
    @contract.batch
    def post(self, request):
        if "Idempotency-Key" in request.headers:
            raise problems.invalid([("Idempotency-Key", "is not known here; give each task an idempotency_key of its own")])
        asked, now = orders.many(request.data), timezone.now()
        well_formed = [one for one in asked if isinstance(one, accept.Order)]
        accepted = iter(accept.many(request.user.account_id, well_formed, now=now, scope=request.user.scope))
        results = [one if isinstance(one, accept.Problem) else next(accepted) for one in asked]
        refused = sum(isinstance(result, accept.Problem) for result in results)
        return Answer(
            {
                "object": "list",
                "data": [_result(result, now) for result in results],
                "accepted": len(results) - refused,
                "refused": refused,
            }
        )


class One(View):
    @contract.read
    def get(self, request, id):
        row, known = _own(request, id), request.META.get("HTTP_IF_NONE_MATCH", "")
        return prefer.or_later(request, _read(row, known), id_in("task", id), lambda: _read(_own(request, id), known))

    @contract.delete
    def delete(self, request, id):
        orders.nothing(request.data)
        cleanup.remove(id_in("task", id), request.user.account_id)
        return Answer(status=204)


class Cancel(View):
    @contract.cancel
    def post(self, request, id):
        orders.nothing(request.data)
        now = timezone.now()
        cancel.request(id_in("task", id), request.user.account_id, by=request.user.name, now=now)
        return Answer(render.task(_own(request, id), now=now), headers=PRIVATE)


class Retry(View):
    @contract.retry
    def post(self, request, id):
        orders.nothing(request.data)
        task_id, key = id_in("task", id), orders.idempotency_key(request.headers.get("Idempotency-Key"))
        now = timezone.now()
        caller = request.user
        return _accepted(retry.request(task_id, caller.account_id, by=caller.name, key=key, now=now, scope=caller.scope), now)


def _own(request, id: str) -> rows.Row:
    found = rows.find(request.user.account_id, id_in("task", id))
    if found is None:
        raise problems.missing()
    return found


def _read(row: rows.Row, known: str) -> Answer:
    """The task; `known` are the ETags that the client has."""
    position = rows.queue_position(row) if row.status == "queued" else None
    task = render.task(row, now=timezone.now(), queue_position=position)
    body = dumps(task)
    tag = _tag(body if task["poll_after_ms"] is None else dumps({**task, "poll_after_ms": None}))
    headers = PRIVATE | {"ETag": f"W/{tag}"}
    return Answer(status=304, headers=headers) if tag in known else Answer(body, headers=headers)


def _accepted_later(account_id: int, accepted: accept.Accepted) -> Answer | None:
    row = rows.find(account_id, accepted.task.id)
    return row and _accepted_as(row, accepted.replayed, timezone.now())


def _accepted(accepted: accept.Accepted, now: datetime) -> Answer:
    return _accepted_as(rows.of(accepted.task), accepted.replayed, now)


def _accepted_as(row: rows.Row, replayed: bool, now: datetime) -> Answer:
    body = render.task(row, now=now)
    headers = PRIVATE | {"Location": body["urls"]["self"]}
    if replayed:
        return Answer(body, 200, headers=headers | {"Idempotent-Replayed": "true"})
    return Answer(body, 201, headers=headers)


def _result(result: accept.Accepted | accept.Problem, now: datetime) -> dict:
    if isinstance(result, accept.Problem):
        return {"error": problems.shown(result)}
    return {"task": render.task(rows.of(result.task), now=now)}


def _tag(task: bytes) -> str:
    """An entity tag of all but poll_after_ms, which moves with the clock alone; so it is to be used as a weak one."""
    return f'"{blake2b(task, digest_size=12).hexdigest()}"'
