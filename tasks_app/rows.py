"""Reads tasks as they are shown: plain SQL and only the columns shown, since model instances cost five times as much.

A Row reads the same whether it came from here or from a Task that the engine just made.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from .models import Task

WAITING = 1000  # tasks before one are counted up to here


class Row(NamedTuple):
    """A task's columns that are shown. Ids are bytes, instants are RFC 3339; JSON columns that come from the database are
    Fragments, which are copied to the answer unparsed.
    """

    id: bytes
    kind: str
    model: str
    status: str
    lane: str
    priority: str
    progress: float
    input: Any
    metadata: Any
    end_user: str
    retry_of: bytes | None
    cost_items: Any
    used: Any
    hold: int
    captured: int | None
    warnings: Any
    outputs_shown: str
    error_code: str
    error_message: str
    error_field: str
    retryable: bool
    created_at: str
    started_at: str | None
    finished_at: str | None
    deadline_at: str


def of(task: Task) -> Row:
    """The row of a task that the engine has at hand."""
    values = list(SHOWN(vars(task)))
    for place in ID_PLACES:
        values[place] = values[place] and values[place].bytes
    for place in INSTANT_PLACES:
        values[place] = instant(values[place])
    return Row._make(values)


def find(account_id: int, task_id: UUID) -> Row | None:
    """The account's task; None where it has none of this id."""
    found = _rows("WHERE id = %s AND account_id = %s", [task_id.bytes, account_id])
    return found[0] if found else None


def by_ids(task_ids: Collection[UUID]) -> list[Row]:
    """These tasks, in one query."""
    return select(f"id IN ({','.join(['%s'] * len(task_ids))})", [task_id.bytes for task_id in task_ids], limit=len(task_ids))


def select(where: str, params: Sequence[Any], *, limit: int, oldest_first: bool = False) -> list[Row]:
    """Tasks, newest first unless asked otherwise, for a WHERE clause."""
    order = "id" if oldest_first else "id DESC"
    return _rows(f"WHERE {where} ORDER BY {order} LIMIT %s", [*params, limit])


def queue_position(row: Row) -> int:
    """Roughly how many tasks wait before this one, from 1."""
    return _read(connections[DEFAULT_DB_ALIAS], BEFORE, [row.lane, row.id, WAITING - 1])[0][0] + 1


def instant(moment: datetime | None) -> str | None:
    """A UTC instant in the form in which the database gives it here: RFC 3339, to the microsecond."""
    return moment and moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _rows(which: str, params: Sequence[Any]) -> list[Row]:
    database = connections[DEFAULT_DB_ALIAS]  # Django's `connection` would look it up for each of its attributes
    return [_task(values) for values in _read(database, f"{_select(database.vendor)} {which}", params)]


def _read(database: BaseDatabaseWrapper, sql: str, params: Sequence[Any]) -> Sequence[tuple]:
    if database.vendor == "mysql":
        return database.read(sql, params)
    with database.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


@cache
def _select(vendor: str) -> str:
    # The database writes an instant as text for less than it costs to parse it and write it again here.
    columns = ", ".join(INSTANT_AS_TEXT[vendor].format(name) if name in INSTANTS else name for name in Row._fields)
    return f"SELECT {columns} FROM {Task._meta.db_table}"


def _task(values: Sequence[Any]) -> Row:
    read = list(values)
    for place in JSON_PLACES:
        read[place] = orjson.Fragment(read[place])
    return tuple.__new__(Row, read)  # what Row._make does, but for its count


INSTANT_AS_TEXT = {
    "mysql": "CONCAT(REPLACE({0}, ' ', 'T'), 'Z')",  # DATE_FORMAT takes three times as long
    "sqlite": "replace({0}, ' ', 'T') || CASE WHEN {0} LIKE '%%.%%' THEN 'Z' ELSE '.000000Z' END",
}
INSTANTS = ("created_at", "started_at", "finished_at", "deadline_at")
SHOWN = itemgetter(*Row._fields)
ID_PLACES = [Row._fields.index(name) for name in ("id", "retry_of")]
INSTANT_PLACES = [Row._fields.index(name) for name in INSTANTS]
JSON_PLACES = [Row._fields.index(name) for name in ("input", "metadata", "cost_items", "used", "warnings")]
BEFORE = f"""
    SELECT COUNT(*) FROM (SELECT 1 FROM {Task._meta.db_table} WHERE status = 'queued' AND lane = %s AND id < %s LIMIT %s) AS before_it
"""
