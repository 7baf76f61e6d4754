"""Claims: a worker's time-limited right to work on a row.

A claim reads candidate ids from a covering index without locks, takes them by primary key with a random token (the fence),
and reads back what it won. `due_at` moves ahead by the lease, so the rows of a dead worker become due again by themselves.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db.models import Case, F, QuerySet, Value, When

from providers import metering

from ..ids import shown
from ..models import Task
from . import lanes
from .decisions import Snapshot

LEASE = timedelta(seconds=26)  # a dead worker's tasks move again after this, and a look; a pump extends it for its open calls
SEND_WITHIN = 15.0  # seconds of a claim's life in which a paid call may still begin

COLUMNS = [
    "id",
    "account_id",
    "kind",
    "model",
    "lane",
    "priority",
    "status",
    "lease_token",
    "attempts",
    "tries",
    "lost_claims",
    "provider_id",
    "route_id",
    "credential_version",
    "handle",
    "found",
    "cost_items",
    "used",
    "hold",
    "budget_key",
    "expected_outputs",
    "warnings",
    "progress",
    "unseen_since",
    "cancel_requested_at",
    "webhook_url",
    "created_at",
    "updated_at",
    "deadline_at",
]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row as its holder read it; `row` has COLUMNS. `taken` is a monotonic time from before the claim."""

    row: Mapping[str, Any]
    taken: float

    @property
    def id(self) -> UUID:
        return self.row["id"]

    @property
    def token(self) -> int:
        return self.row["lease_token"]

    @property
    def submit_token(self) -> str:
        return submit_token(self.id, self.row["attempts"])

    @property
    def may_send(self) -> bool:
        """Whether enough of the lease is left to begin a call that costs money."""
        return monotonic() - self.taken < SEND_WITHIN

    @property
    def snapshot(self) -> Snapshot:
        row = self.row
        return Snapshot(
            id=row["id"],
            status=row["status"],
            provider_id=row["provider_id"],
            tries=row["tries"],
            lost_claims=row["lost_claims"],
            expected_outputs=row["expected_outputs"],
            hold=row["hold"],
            created_at=row["created_at"],
            deadline_at=row["deadline_at"],
            unseen_since=row["unseen_since"],
            cancel_requested=row["cancel_requested_at"] is not None,
            terms=metering.among(row["cost_items"]),
            usage=row["used"],
        )


def submit_token(id: UUID, attempt: int) -> str:
    """Our name for one attempt at a task: the task's id and the attempt's number."""
    return f"{shown('task', id)}-{attempt}"


def new_token() -> int:
    """63 random bits, never 0: a counter would repeat after a lost tail of the database's log."""
    return secrets.randbits(63) | 1


def take(status: str, *, limit: int, now: datetime) -> list[Claimed]:
    """Claim up to `limit` rows of this status that are due; queued ones are for slots.take."""
    taken = monotonic()
    due = Task.objects.filter(status=status, lane=lanes.NONE, due_at__lte=now)
    ids = sorted(due.order_by("due_at").values_list("id", flat=True)[:limit])
    if not ids:
        return []
    token = new_token()
    # MySQL assigns from left to right: the old token is counted before it is overwritten.
    lost = F("lost_claims") + Case(When(lease_token=0, then=Value(0)), default=Value(1))
    due.filter(id__in=ids).update(lost_claims=lost, lease_token=token, due_at=now + LEASE, called=False)
    return won(ids, token, taken)


def won(ids: Iterable[UUID], token: int, taken: float) -> list[Claimed]:
    """What a claim with this token holds."""
    return [Claimed(row, taken) for row in Task.objects.filter(id__in=ids, lease_token=token).values(*COLUMNS)]


def read(id: UUID) -> Claimed | None:
    """The row as it is now, unclaimed: for a change that a person asks for. Its token still fences the change."""
    return next(iter(read_all([id])), None)


def read_all(ids: Iterable[UUID]) -> list[Claimed]:
    """As `read`, for many."""
    taken = monotonic()
    return [Claimed(row, taken) for row in Task.objects.filter(id__in=ids).values(*COLUMNS)]


def holding(status: str, tokens: Iterable[int]) -> list[Claimed]:
    """The rows of this status that claims with these tokens hold."""
    taken = monotonic()
    return [Claimed(row, taken) for row in Task.objects.filter(status=status, lane=lanes.NONE, lease_token__in=tokens).values(*COLUMNS)]


def next_due(status: str) -> datetime | None:
    """When the next row of this status is due; in the past where rows wait for a slot."""
    return min((due_at for _, due_at in oldest(status)), default=None)


def oldest(status: str, *, since: str = lanes.NONE) -> Iterator[tuple[str, datetime]]:
    """When the first row of each lane is due, from the lane `since` on; parked ones are left out.

    A look at the index for each lane, however many rows wait there: asked for all groups at once, the server reads every row.
    """
    waiting = Task.objects.filter(status=status, lane__gte=since, lane__lt=lanes.PARKING)
    rows = waiting.order_by("lane", "due_at").values_list("lane", "due_at")
    first = rows.first()
    while first:
        yield first
        first = rows.filter(lane__gt=first[0]).first()


def held(claimed: Iterable[Claimed]) -> QuerySet:
    """The rows among `claimed` that are still ours."""
    claimed = list(claimed)
    return Task.objects.filter(id__in=sorted(one.id for one in claimed), lease_token__in={one.token for one in claimed})


def extend(claimed: Iterable[Claimed], *, now: datetime) -> int:
    """Keep open calls' claims alive; returns how many are still ours."""
    return held(claimed).update(due_at=now + LEASE)


def give_back(claimed: Iterable[Claimed], *, now: datetime) -> int:
    """Let others have rows on which nothing was done."""
    return held(claimed).update(lease_token=0, due_at=now)
