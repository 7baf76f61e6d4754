"""What a delivery says: `{id, type, timestamp, sequence, left_out, data}`, at most 20,000 bytes of JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from ..ids import shown
from ..render import dumps

MOST_BYTES = 20_000
ENVELOPE_BYTES = 200  # all but the data
# What a task can do without, in this order: the client sent the first two itself, and GET /tasks/{id} has them all.
CAN_LEAVE_OUT = ("input", "metadata", "warnings", "outputs")


def fitted(task: Mapping[str, Any]) -> tuple[bytes, list[str]]:
    """The task as JSON, and the names of what had to be left out of it to make it short enough."""
    left_out: list[str] = []
    while len(data := dumps({name: value for name, value in task.items() if name not in left_out})) > MOST_BYTES - ENVELOPE_BYTES:
        left_out.append(CAN_LEAVE_OUT[len(left_out)])
    return data, left_out


def written(id: UUID, type: str, sequence: int, data: bytes, left_out: list[str], *, now: datetime) -> str:
    """The body of a delivery. `id` is also its webhook-id."""
    event = {
        "id": shown("whd", id),
        "type": type,
        "timestamp": now,
        "sequence": sequence,
        "left_out": left_out,
        "data": orjson.Fragment(data),
    }
    return dumps(event).decode()
