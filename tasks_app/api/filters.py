"""Query parameters: which are known to a call, what each may be, and the WHERE clause they make."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from providers.models import PublicModel

from ..ids import first_of, parse
from ..render import RUNNING
from . import problems
from .orders import METADATA_LENGTH, METADATA_NAME

LIMIT, MOST = 20, 100
ANY_METADATA = "metadata[…]"
METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)
UNQUOTED_PLUS = re.compile(r" (\d\d:\d\d)$")  # `+` in a query that nobody quoted reads as a space
# A task's id is made when the task is, so it bounds created_at; the clocks of two servers may differ by less than this.
SKEW = timedelta(hours=1)
STATUSES = ("queued", "running", "succeeded", "failed", "canceled", "expired")


@dataclass
class Filters:
    """What GET /tasks was asked for."""

    limit: int = LIMIT
    cursor: UUID | None = None
    status: str | None = None
    kind: str | None = None
    model: str | None = None
    end_user: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    metadata: dict[str, str] = field(default_factory=dict)


def refuse_unknown(params: QueryDict, known: Iterable[str]) -> None:
    """Raises a Problem that names each parameter which this call does not know, or which was given twice."""
    faults = [(name, "is not known here") for name in params if _plain(name) not in known]
    faults += [(name, "was given twice") for name, values in params.lists() if len(values) > 1]
    if faults:
        raise problems.invalid(faults)


def read(params: QueryDict) -> Filters:
    """The filters in the parameters of GET /tasks; raises a Problem that names each wrong one."""
    filters, faults = Filters(), []
    for name, text in params.items():
        try:
            if match := METADATA.fullmatch(name):
                filters.metadata[_metadata_name(match[1])] = _metadata_value(text)
            else:
                setattr(filters, name, READERS[name](text))
        except ValueError as fault:
            faults.append((name, str(fault)))
    if faults:
        raise problems.invalid(faults)
    return filters


def each(params: Mapping[str, str], readers: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    """What the readers make of their parameters, where those are given; raises a Problem that names each wrong one."""
    found, faults = {}, []
    for name, reader in readers.items():
        try:
            if name in params:
                found[name] = reader(params[name])
        except ValueError as fault:
            faults.append((name, str(fault)))
    if faults:
        raise problems.invalid(faults)
    return found


def where(account_id: int, filters: Filters) -> tuple[str, list[Any]]:
    """A WHERE clause with its parameters, led by the index (account, id)."""
    clauses = [("account_id = %s", [account_id]), *_clauses(filters)]
    return " AND ".join(sql for sql, _ in clauses), [value for _, values in clauses for value in values]


def _plain(name: str) -> str:
    return ANY_METADATA if METADATA.fullmatch(name) else name


def _clauses(filters: Filters) -> Iterator[tuple[str, list[Any]]]:
    if filters.cursor:
        yield "id < %s", [filters.cursor.bytes]
    if filters.status:
        statuses = RUNNING if filters.status == "running" else (filters.status,)
        yield f"status IN ({','.join(['%s'] * len(statuses))})", list(statuses)
    for name in ("kind", "model", "end_user"):
        if (value := getattr(filters, name)) is not None:
            yield _is(name), [value]
    if filters.created_after:
        yield "id >= %s AND created_at > %s", [first_of(filters.created_after - SKEW).bytes, _stored(filters.created_after)]
    if filters.created_before:
        yield "id < %s AND created_at < %s", [first_of(filters.created_before + SKEW).bytes, _stored(filters.created_before)]
    for name, value in filters.metadata.items():
        # SQLite compares names as they were written, and Django writes them in ASCII.
        yield _metadata_is(), [f"$.{json.dumps(name)}", value]


def _is(column: str) -> str:
    # By MySQL's own rules "Ann" is "ann", and both are "ann ".
    return f"{column} = %s" + (" COLLATE utf8mb4_bin" if connection.vendor == "mysql" else "")


def _metadata_is() -> str:
    return _is("JSON_UNQUOTE(JSON_EXTRACT(metadata, %s))" if connection.vendor == "mysql" else "JSON_EXTRACT(metadata, %s)")


def _stored(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        raise ValueError(f"must be a whole number from 1 to {MOST}")
    return int(text)


def _cursor(text: str) -> UUID:
    cursor = parse("task", text)
    if cursor is None:
        raise ValueError("must be the next_cursor of an earlier answer")
    return cursor


def instant(text: str) -> datetime:
    """An RFC 3339 time; raises ValueError."""
    try:
        moment = parse_datetime(UNQUOTED_PLUS.sub(r"+\1", text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not 1970 <= moment.year <= 9000:
        raise ValueError('must be an RFC 3339 time such as "2026-01-31T08:00:00Z"')
    return moment.astimezone(UTC)


def one_of(*words: str) -> Callable[[str], str]:
    """A reader that takes one of these words; raises ValueError that lists them."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return text

    return read


def some_of(*words: str) -> Callable[[str], tuple[str, ...]]:
    """A reader that takes some of these words by commas; raises ValueError that lists them."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(text.split(","))
        if not set(found) <= set(words) or len(set(found)) < len(found):
            raise ValueError(f"must be one or more of {', '.join(words)}, each once, separated by commas")
        return found

    return read


def _text(most: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not 1 <= len(text) <= most:
            raise ValueError(f"must have 1 to {most} characters")
        return text

    return read


def _metadata_name(name: str) -> str:
    if not METADATA_NAME.fullmatch(name):
        raise ValueError("does not name a metadata key")
    return name


def _metadata_value(text: str) -> str:
    if len(text) > METADATA_LENGTH:
        raise ValueError(f"must have at most {METADATA_LENGTH} characters")
    return text


READERS: dict[str, Callable[[str], Any]] = {
    "limit": _limit,
    "cursor": _cursor,
    "status": one_of(*STATUSES),
    "kind": one_of(*PublicModel.Kind.values),
    "model": _text(64),
    "end_user": _text(128),
    "created_after": instant,
    "created_before": instant,
}
