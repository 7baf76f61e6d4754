"""The body of POST /keys: what a new key is called, and what it may not do."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from accounts import scopes

from . import filters, orders, problems
from .orders import Faults

NAME_LENGTH = LIST_LENGTH = 100
COLUMN_LENGTH = 1000  # of a list's items with the commas between them
MOST_CREDITS = 2**53 - 1  # what every JSON parser reads exactly
MOST_REQUESTS = 2**31 - 1


def read(body: Any, *, now: datetime) -> dict[str, Any]:
    """The body as columns of accounts.keys.make; raises a Problem that names each wrong field."""
    if faults := orders.faults_in(body, CHECKS, required=("name",)):
        raise problems.invalid(faults)
    columns = {COLUMNS.get(name, name): value for name, value in body.items()}
    columns |= {name: ",".join(columns[name]) for name in COLUMNS.values() if name in columns}
    if columns.get("expires_at") is not None:
        columns["expires_at"] = filters.instant(columns["expires_at"])
        if columns["expires_at"] <= now:
            raise problems.invalid([("expires_at", "must lie ahead")])
    return columns


def _name(value: Any) -> Faults:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= len(value) <= NAME_LENGTH:
        yield "", f"must be a string of 1 to {NAME_LENGTH} characters"


def _flag(value: Any) -> Faults:
    if not isinstance(value, bool):
        yield "", "must be true or false"


def _words(value: Any) -> Faults:
    if not isinstance(value, list) or not all(isinstance(one, str) and one.strip() and "," not in one for one in value):
        yield "", "must be a list of strings without commas"
    elif len(value) > LIST_LENGTH or len(",".join(value)) > COLUMN_LENGTH:
        yield "", f"must have {COLUMN_LENGTH} characters at most, all in all"


def _networks(value: Any) -> Faults:
    faults = list(_words(value))
    yield from faults
    if not faults:
        try:
            scopes.networks(",".join(value))
        except ValueError as fault:
            yield "", f"must be networks such as 203.0.113.0/24: {fault}"


def _whole_or_null(least: int, most: int) -> Callable[[Any], Faults]:
    def check(value: Any) -> Faults:
        if value is not None and (type(value) is not int or not least <= value <= most):
            yield "", f"must be null or a whole number from {least} to {most}"

    return check


def _time_or_null(value: Any) -> Faults:
    try:
        if value is not None:
            filters.instant(value if isinstance(value, str) else "")
    except ValueError as fault:
        yield "", str(fault)


COLUMNS = {"models": "only_models", "networks": "only_networks"}
CHECKS: dict[str, Callable[[Any], Faults]] = {
    "name": _name,
    "read_only": _flag,
    "models": _words,
    "networks": _networks,
    "credits_limit": _whole_or_null(0, MOST_CREDITS),
    "expires_at": _time_or_null,
    "reads_per_minute": _whole_or_null(1, MOST_REQUESTS),
    "writes_per_minute": _whole_or_null(1, MOST_REQUESTS),
}
