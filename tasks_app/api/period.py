"""The days that GET /usage sums up, and what it tells apart in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from . import filters, problems

BY = ("day", "model", "kind", "end_user")
DAYS, MOST_DAYS = 30, 366


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, both included, and what to tell apart in them."""

    first: date
    last: date
    by: tuple[str, ...]


def read(params: Mapping[str, str], *, today: date) -> Period:
    """The period in the parameters of GET /usage, the last 30 days where none is given; raises Problem."""
    found, faults = {}, []
    for name, reader in (("from", _day), ("to", _day), ("by", filters.some_of(*BY))):
        try:
            if name in params:
                found[name] = reader(params[name])
        except ValueError as fault:
            faults.append((name, str(fault)))
    last = found.get("to", today)
    period = Period(found.get("from", last - timedelta(days=DAYS - 1)), last, found.get("by", ("day",)))
    if not faults and not 0 <= (period.last - period.first).days < MOST_DAYS:
        faults.append(("from", f"must be no later than `to`, and less than {MOST_DAYS} days before it"))
    if faults:
        raise problems.invalid(faults)
    return period


def _day(text: str) -> date:
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        day = date.min
    if not 1970 <= day.year <= 9000:
        raise ValueError('must be a day such as "2026-01-31"')
    return day
