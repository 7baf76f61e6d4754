"""A request that makes something → a task: one, however often it is sent."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from ...engine.accept import Accepted, Order, Problem
from .. import orders
from . import body, errors, references, replays
from .parameters import Written

# What the client may say of itself: beyond that, the same content is a wish of its own.
MOST_TRIES, MOST_PATIENCE_S = 10, 3600
LONGEST_NUMBER = 9  # digits
# (parameters, references by parameter) → what is ordered, and how its input was written
Write = Callable[[Mapping[str, Any], Mapping[str, list[str]]], tuple[Order, Written]]


def one(request: Any, door: str, write: Write, *, media: Sequence[str] = ()) -> Accepted:
    """Accept what is asked for at this door, or find the task that it made before; `media` are parameters that hold pictures.

    Raises Problem.
    """
    caller, now = request.user, timezone.now()
    with closing(body.of(request)) as content:
        sent = _sent(request, content, door)
        seen = replays.look(caller.account_id, sent, now=now)
        if seen.task:
            return Accepted(seen.task, replayed=True)
        named = references.taken(caller.account_id, content, media)
        accepted = None
        try:
            accepted = _bought(caller, partial(replays.make, sent=sent, seen=seen, now=now), write, content, named.named)
        finally:
            if accepted is None or accepted.replayed:
                named.let_go()
        return accepted


def _bought(caller: Any, make: Callable[..., Accepted], write: Write, content: body.Body, named: Mapping[str, list[str]]) -> Accepted:
    parameters = {name: value for name, value in content.parameters.items() if name not in named}
    order, written = write(parameters, named)
    try:
        return make(caller.account_id, order, scope=caller.scope)
    except Problem as refusal:
        raise written.said_of(refusal) from None


def _sent(request: Any, content: body.Body, door: str) -> replays.Sent:
    key = orders.idempotency_key(request.META.get("HTTP_IDEMPOTENCY_KEY"))
    tries = min(_whole(request, "x-stainless-retry-count"), MOST_TRIES)
    patience_s = min(_whole(request, "x-stainless-read-timeout"), MOST_PATIENCE_S)
    return replays.Sent(content.digest(door), key, tries, timedelta(seconds=tries * patience_s))


def _whole(request: Any, name: str) -> int:
    """A number that the official client tells of itself, 0 where another client does not; what follows a point is left out."""
    whole = request.headers.get(name, "0").partition(".")[0]
    if not (whole.isascii() and whole.isdigit() and len(whole) <= LONGEST_NUMBER):
        raise errors.wrong(name, f"{name} must be a number.")
    return int(whole)
