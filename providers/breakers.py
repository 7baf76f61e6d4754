"""Each provider's breakers: rows that all workers share, decided by breaker.py. Submits have one and polls have another.

An open breaker of submits holds them back; polls always go on, each row by its own back-off, and theirs only tells that they fail.

To read costs a query every few seconds in each process. To count costs none while all goes well, and two for each look's answers while
something fails; a breaker that one process opens is open for the others after 5 s at the latest.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Literal

from django.db import transaction

from . import breaker, models
from .breaker import Breaker, Call
from .models import HealthChange
from .snapshot import Snapshot

log = logging.getLogger(__name__)

Door = Literal["submit", "poll"]
COLUMNS = tuple(field.name for field in fields(Breaker))


def of(provider_id: int, door: Door) -> Breaker:
    """As it was at most 5 s ago, or as this process last wrote it."""
    return _rows.get().get((provider_id, door), Breaker())


def room(provider_id: int, now: datetime) -> int | None:
    """How many more submits may go there now: None as many as there are, 0 none, 1 a probe."""
    return breaker.room(of(provider_id, "submit"), now)


def is_open(provider_id: int) -> bool:
    """Whether submits are held back, but for a probe."""
    return of(provider_id, "submit").state != "closed"


def heard(provider_id: int, door: Door, calls: Sequence[Call], *, now: datetime) -> None:
    """Count what calls came to."""
    known = of(provider_id, door)
    if breaker.after(known, calls, now) != known:
        _change(provider_id, door, partial(breaker.after, calls=calls, now=now), now)


def probe(provider_id: int, *, now: datetime) -> bool:
    """Take the place of the one probe, inside the caller's transaction; False where another worker has it."""
    held = models.Breaker.objects.select_for_update().filter(provider=provider_id, door="submit").first()
    if held is None or breaker.room(_read(held), now) != 1:
        return False
    found = breaker.probing(_read(held), now)
    _write(held, found, now)
    _rows.get()[provider_id, "submit"] = found  # were all this rolled back, the next reading of the rows would mend it
    return True


def retry_now(provider_id: int, *, now: datetime) -> None:
    """Let probes through at once: an operator, or a new key, has mended what was wrong."""
    doors = models.Breaker.objects.filter(provider=provider_id).exclude(state="closed").values_list("door", flat=True)
    for door in list(doors):
        _change(provider_id, door, partial(breaker.eager, now=now), now)


def forget() -> None:
    """Read the rows afresh on the next call in this process."""
    _rows.forget()


def _change(provider_id: int, door: Door, change: Callable[[Breaker], Breaker], now: datetime) -> None:
    with transaction.atomic():
        models.Breaker.objects.get_or_create(provider_id=provider_id, door=door)
        held = models.Breaker.objects.select_for_update().get(provider=provider_id, door=door)
        found = change(_read(held))
        if found != _read(held):
            _write(held, found, now)
    _rows.get()[provider_id, door] = found


def _write(held: models.Breaker, found: Breaker, now: datetime) -> None:
    is_change = found.state != held.state
    for name in COLUMNS:
        setattr(held, name, getattr(found, name))
    held.save(update_fields=COLUMNS)
    if is_change:
        HealthChange.objects.create(provider_id=held.provider_id, what=held.door, state=found.state, note=found.note, at=now)
        _tell(held, found)


def _tell(held: models.Breaker, found: Breaker) -> None:
    facts = {"event": "breaker", "provider": held.provider.name, "door": held.door, "state": found.state, "reason": found.reason}
    level = logging.ERROR if found.state == "open" else logging.WARNING
    log.log(level, "provider %s: its breaker of %ss is %s", held.provider.name, held.door, found.state, extra=facts)


def _read(row: models.Breaker) -> Breaker:
    return Breaker(*(getattr(row, name) for name in COLUMNS))


def _load(last: dict[tuple[int, str], Breaker] | None) -> dict[tuple[int, str], Breaker]:
    rows = models.Breaker.objects.values_list("provider_id", "door", *COLUMNS)
    return {(provider_id, door): Breaker(*columns) for provider_id, door, *columns in rows}


_rows: Snapshot[dict[tuple[int, str], Breaker]] = Snapshot(_load)
