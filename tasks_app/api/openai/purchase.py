"""A request that makes something → a task: one, however often it is sent."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from django.utils import timezone

from ...engine.accept import Accepted, Order, Problem
from .. import orders
from . import body, errors, references, replays
from .parameters import Written

RETRY_COUNT = "HTTP_X_STAINLESS_RETRY_COUNT"
# (parameters, references by parameter) → what is ordered, and how its input was written
Write = Callable[[Mapping[str, Any], Mapping[str, list[str]]], tuple[Order, Written]]


def one(request: Any, door: str, write: Write, *, media: Sequence[str] = ()) -> Accepted:
    """Accept what is asked for at this door, or find the task that it made before; `media` are parameters that hold pictures.

    Raises Problem.
    """
    caller, now = request.user, timezone.now()
    with closing(body.of(request)) as content:
        sent = _sent(request, content, door)
        if known := replays.find(caller.account_id, sent, now=now):
            return Accepted(known, replayed=True)
        named = references.taken(caller.account_id, content, media)
        accepted = None
        try:
            accepted = _bought(caller, sent, write, content, named.named, now)
        finally:
            if accepted is None or accepted.replayed:
                named.let_go()
        return accepted


def _bought(caller: Any, sent: replays.Sent, write: Write, content: body.Body, named: Mapping[str, list[str]], now: datetime) -> Accepted:
    parameters = {name: value for name, value in content.parameters.items() if name not in named}
    order, written = write(parameters, named)
    try:
        return replays.make(caller.account_id, order, sent, now=now, scope=caller.scope)
    except Problem as refusal:
        raise written.said_of(refusal) from None


def _sent(request: Any, content: body.Body, door: str) -> replays.Sent:
    key = orders.idempotency_key(request.META.get("HTTP_IDEMPOTENCY_KEY"))
    return replays.Sent(content.digest(door), key, is_again=_retries(request) > 0)


def _retries(request: Any) -> int:
    """How often the official client has sent this request before; others do not tell."""
    text = request.META.get(RETRY_COUNT, "0")
    if not (text.isascii() and text.isdigit()):
        raise errors.wrong("x-stainless-retry-count", "x-stainless-retry-count must be a whole number.")
    return int(text)
