"""Claims on flags about which an upstream is asked: as on tasks (claims.py), but one that lost its worker goes back to the operator."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.db.models import QuerySet

from ..models import Flag
from .claims import new_token

LEASE = timedelta(seconds=30)
WORKER_DIED = "The worker that asked died. If it dies again, so will every other: find out why before you ask once more."

COLUMNS = ["id", "task_id", "token", "account_id", "reason", "handle", "lease_token", "tries", "asked_at", "asked_by"]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A flag as its holder read it; `row` has COLUMNS."""

    row: Mapping[str, Any]
    taken: float

    @property
    def id(self) -> int:
        return self.row["id"]

    @property
    def token(self) -> int:
        return self.row["lease_token"]


def take(room: int, *, now: datetime) -> list[Claimed]:
    """Claim up to `room` flags that are due. What took its worker down may do so again: an operator asks for it anew, or not."""
    Flag.objects.filter(due_at__lte=now).exclude(lease_token=0).update(due_at=None, lease_token=0, finding=WORKER_DIED)
    taken, token = monotonic(), new_token()
    due = Flag.objects.filter(due_at__lte=now, lease_token=0)
    ids = sorted(due.order_by("due_at").values_list("id", flat=True)[:room])
    if not ids:
        return []
    due.filter(id__in=ids).update(lease_token=token, due_at=now + LEASE)
    return [Claimed(row, taken) for row in Flag.objects.filter(id__in=ids, lease_token=token).values(*COLUMNS)]


def held(claimed: Iterable[Claimed]) -> QuerySet:
    """The flags among `claimed` that are still ours: an action of the operator's takes them away."""
    claimed = list(claimed)
    return Flag.objects.filter(id__in=sorted(one.id for one in claimed), lease_token__in={one.token for one in claimed})


def extend(claimed: Iterable[Claimed], *, now: datetime) -> int:
    """Keep open calls' claims alive; returns how many are still ours."""
    return held(claimed).update(due_at=now + LEASE)


def give_back(claimed: Iterable[Claimed], *, now: datetime) -> int:
    """Let others ask about these."""
    return held(claimed).update(lease_token=0, due_at=now)
