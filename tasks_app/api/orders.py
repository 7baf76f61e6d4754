"""A request's body becomes an Order, or a Problem that names each wrong field."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from ..engine.accept import Order, Problem
from . import problems, webhook_fields
from .json import canonical

BATCH_LIMIT = 1000
METADATA_KEYS, METADATA_LENGTH = 16, 500
EXPIRES_IN = (10, 604_800)  # seconds
KEY = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
# Without quotes, backslashes and brackets, a name can stand in a JSON path and in `metadata[name]=`.
METADATA_NAME = re.compile(r'[^"\\\[\]\x00-\x1f\x7f]{1,64}')

Faults = Iterator[tuple[str, str]]  # (what follows the field's name, message)


def one(body: Any, *, key: str | None) -> Order:
    """The order of POST /tasks; `key` is the Idempotency-Key header. Raises Problem."""
    return _order(body, key=idempotency_key(key))


def many(body: Any) -> list[Order | Problem]:
    """The orders of POST /tasks/batch, each refused alone; raises Problem where the batch itself is wrong."""
    items = _items(body)
    return [_item(item) for item in items]


def idempotency_key(key: Any, field: str = "Idempotency-Key") -> str | None:
    """The key, checked; None where there is none."""
    if key is None or (isinstance(key, str) and KEY.fullmatch(key)):
        return key
    raise problems.invalid([(field, "must be 1 to 255 printable ASCII characters without a space at either end")])


def nothing(body: Any) -> None:
    """Refuses a body where none is wanted."""
    if body:
        fields = list(body) if isinstance(body, dict) else [""]
        raise problems.invalid((field, "is not known here; this call takes no body") for field in fields)


def faults_in(body: Any, checks: Mapping[str, Callable[[Any], Faults]], *, required: Sequence[str] = ()) -> list[tuple[str, str]]:
    """All that is wrong with a body, as (field, message); raises a Problem where it is no object."""
    faults = [*_not_known(body, checks)]
    faults += [(name, "is required") for name in required if name not in body]
    for name, check in checks.items():
        if name in body:
            faults += [(name + rest, message) for rest, message in check(body[name])]
    return faults


def _items(body: Any) -> list:
    faults = [*_not_known(body, {"tasks"})]
    items = body.get("tasks")
    if not isinstance(items, list):
        faults.append(("tasks", "must be a list of tasks"))
    elif not 1 <= len(items) <= BATCH_LIMIT:
        faults.append(("tasks", f"must hold 1 to {BATCH_LIMIT} tasks, and holds {len(items)}"))
    if faults:
        raise problems.invalid(faults)
    return items


def _item(item: Any) -> Order | Problem:
    try:
        if not isinstance(item, dict):
            raise problems.invalid([("", "must be an object")])
        body = dict(item)
        return _order(body, key=idempotency_key(body.pop("idempotency_key", None), "idempotency_key"))
    except Problem as problem:
        return problem


def _order(body: Any, *, key: str | None) -> Order:
    faults = faults_in(body, CHECKS, required=("model", "input"))
    if "webhook_events" in body and "webhook_url" not in body:
        faults.append(("webhook_events", "says what to tell a webhook_url, and there is none"))
    if faults:
        raise problems.invalid(faults)
    return Order(**body, idempotency_key=key, request_hash=sha256(canonical(body)).digest())


def _not_known(body: Any, known: Any) -> Faults:
    if not isinstance(body, dict):
        raise problems.invalid([("", "the body must be a JSON object")])
    for name in body:
        if name not in known:
            yield name, "is not known here"


def _model(value: Any) -> Faults:
    if not isinstance(value, str) or not 1 <= len(value) <= 64:
        yield "", "must be the name of a model"


def _input(value: Any) -> Faults:
    if not isinstance(value, dict):
        yield "", "must be an object"


def _metadata(value: Any) -> Faults:
    if not isinstance(value, dict) or len(value) > METADATA_KEYS:
        yield "", f"must be an object with at most {METADATA_KEYS} keys"
        return
    for name, text in value.items():
        if not METADATA_NAME.fullmatch(name):
            yield f".{name}", "has a name that is not 1 to 64 characters without quotes, backslashes and square brackets"
        elif not isinstance(text, str) or len(text) > METADATA_LENGTH:
            yield f".{name}", f"must be a string of at most {METADATA_LENGTH} characters"


def _priority(value: Any) -> Faults:
    if value not in ("normal", "low"):
        yield "", 'must be "normal" or "low"'


def _expires_in(value: Any) -> Faults:
    least, most = EXPIRES_IN
    # JSON knows no whole numbers: 600.0 is one. True is none.
    if type(value) not in (int, float) or value % 1 or not least <= value <= most:
        yield "", f"must be a whole number of seconds from {least} to {most}"


def _end_user(value: Any) -> Faults:
    if not isinstance(value, str) or len(value) > 128:
        yield "", "must be a string of at most 128 characters"


CHECKS: dict[str, Callable[[Any], Faults]] = {
    "model": _model,
    "input": _input,
    "metadata": _metadata,
    "priority": _priority,
    "expires_in": _expires_in,
    "end_user": _end_user,
    "webhook_url": webhook_fields.url,
    "webhook_events": webhook_fields.event_names,
}
