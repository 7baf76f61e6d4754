"""Reads tasks and outputs as they are shown: plain SQL and only the columns shown, since model instances cost five times as much.

A Row reads the same whether it came from here or from a Task that the engine just made.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import connection

from ..models import Output, Task


class Row(NamedTuple):
    """A task's columns that are shown. From the database, JSON columns are Fragments: copied to the answer unparsed."""

    id: UUID
    kind: str
    model: str
    status: str
    lane: str
    priority: str
    progress: float
    input: Any
    metadata: Any
    end_user: str
    retry_of: UUID | None
    cost_items: Any
    hold: int
    captured: int | None
    warnings: Any
    error_code: str
    error_message: str
    error_field: str
    retryable: bool
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime


class OutputRow(NamedTuple):
    """An output's columns that are shown."""

    id: UUID
    task_id: UUID
    type: str
    content_type: str
    bytes: int
    sha256: str
    width: int | None
    height: int | None
    duration: float | None
    has_thumbnail: bool


def of(task: Task) -> Row:
    """The row of a task that the engine has at hand."""
    return Row._make(getattr(task, name) for name in Row._fields)


def find(account_id: int, task_id: UUID) -> Row | None:
    """The account's task; None where it has none of this id."""
    found = select("account_id = %s AND id = %s", [account_id, task_id.bytes], limit=1)
    return found[0] if found else None


def select(where: str, params: Sequence[Any], *, limit: int) -> list[Row]:
    """Tasks, newest first, for a WHERE clause."""
    with connection.cursor() as cursor:
        cursor.execute(f"{TASKS} WHERE {where} ORDER BY id DESC LIMIT %s", [*params, limit])
        return [_read(Row, TASK_READERS, values) for values in cursor.fetchall()]


def outputs(task_ids: Sequence[UUID]) -> dict[UUID, list[OutputRow]]:
    """The outputs of each task, in their order, in one query; none where `task_ids` is empty."""
    found: dict[UUID, list[OutputRow]] = {task_id: [] for task_id in task_ids}
    if not found:
        return found
    with connection.cursor() as cursor:
        marks = ",".join(["%s"] * len(found))
        cursor.execute(f"{OUTPUTS} WHERE task_id IN ({marks}) ORDER BY task_id, position", [task_id.bytes for task_id in found])
        for values in cursor.fetchall():
            output = _read(OutputRow, OUTPUT_READERS, values)
            found[output.task_id].append(output)
    return found


def instant(value: datetime | str) -> datetime:
    """MySQL gives naive UTC, SQLite the text of it."""
    return (datetime.fromisoformat(value) if isinstance(value, str) else value).replace(tzinfo=UTC)


def _id(value: bytes) -> UUID:
    return UUID(bytes=bytes(value))


def _read(shape: Any, readers: Sequence[tuple[int, Callable]], values: Sequence[Any]) -> Any:
    read = list(values)
    for place, reader in readers:
        if read[place] is not None:
            read[place] = reader(read[place])
    return shape._make(read)


READERS: dict[str, Callable] = {
    **dict.fromkeys(("id", "task_id", "retry_of"), _id),
    **dict.fromkeys(("input", "metadata", "cost_items", "warnings"), orjson.Fragment),
    **dict.fromkeys(("created_at", "started_at", "finished_at", "deadline_at"), instant),
    **dict.fromkeys(("retryable", "has_thumbnail"), bool),
}
TASK_READERS, OUTPUT_READERS = (
    [(place, READERS[name]) for place, name in enumerate(shape._fields) if name in READERS] for shape in (Row, OutputRow)
)
TASKS = f"SELECT {', '.join(Row._fields)} FROM {Task._meta.db_table}"
OUTPUTS = f"SELECT {', '.join(OutputRow._fields[:-1])}, thumbnail_key <> '' FROM {Output._meta.db_table}"
