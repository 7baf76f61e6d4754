"""Claims on deliveries: as on tasks (engine/claims.py), but each lane and each account has only so many open.

A lane that hangs keeps its own two calls and no more, and an account whose every host hangs keeps its share of the window; beyond
it, each of its endpoints may have one call, so that those that hang cannot shut out one that answers. An
event waits while an earlier one of its task is open in the same lane; the wait ends when that one is delivered or given up.
"""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Min, OuterRef, QuerySet, Subquery

from ..models import Delivery
from .lanes import Lanes, account_of, is_endpoints
from .verdict import TRIES

LEASE = timedelta(seconds=30)  # a call takes 15 s at most
PER_LANE = 2  # up to four times as many where calls are answered well and soon
LOOK_AT = 20  # rows of a lane: enough to find two that wait for no earlier event
OPEN = ("pending", "sending")
LOST = {"reason": "fault", "message": "Its workers ended before an answer came, again and again."}

COLUMNS = ["id", "account_id", "endpoint_id", "task_id", "type", "sequence", "lane", "url", "payload", "lease_token", "tries"]


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery as its holder read it; `row` has COLUMNS. `taken` is a monotonic time from before the claim."""

    row: Mapping[str, Any]
    taken: float

    @property
    def id(self) -> UUID:
        return self.row["id"]

    @property
    def token(self) -> int:
        return self.row["lease_token"]


def take(room: int, lanes: Lanes, *, per_account: int, now: datetime) -> list[Claimed]:
    """Claim up to `room` due deliveries: first what dead workers left, then lane by lane."""
    taken = monotonic()
    left = _left_behind(room, now)
    ids = sorted([*left, *_chosen(room - len(left), lanes, per_account, now)])
    if not ids:
        return []
    token = secrets.randbits(63) | 1
    due = Delivery.objects.filter(id__in=ids, status__in=OPEN, due_at__lte=now)
    due.update(status="sending", lease_token=token, tries=F("tries") + 1, tried_at=now, due_at=now + LEASE)
    return [Claimed(row, taken) for row in Delivery.objects.filter(id__in=ids, lease_token=token).values(*COLUMNS)]


def next_due() -> datetime | None:
    """When the next delivery is due; in the past where some wait for their lane."""
    # One status at a time: each is one look at the end of an index.
    firsts = [Delivery.objects.filter(status=status).aggregate(first=Min("due_at"))["first"] for status in OPEN]
    return min((first for first in firsts if first), default=None)


def held(claimed: Iterable[Claimed]) -> QuerySet:
    """The rows among `claimed` that are still ours."""
    claimed = list(claimed)
    return Delivery.objects.filter(id__in=sorted(one.id for one in claimed), lease_token__in={one.token for one in claimed})


def extend(claimed: Iterable[Claimed], *, now: datetime) -> int:
    """Keep open calls' claims alive; returns how many are still ours."""
    return held(claimed).update(due_at=now + LEASE)


def give_back(claimed: Iterable[Claimed], *, now: datetime) -> int:
    """Let others have deliveries whose call was broken off; that was no try."""
    return held(claimed).update(status="pending", lease_token=0, tries=F("tries") - 1, due_at=now)


def _left_behind(room: int, now: datetime) -> list[UUID]:
    """Those of workers that died. One that took its worker along at every try is given up: it must not go on for ever."""
    left = Delivery.objects.filter(status="sending", due_at__lte=now)
    left.filter(tries__gte=TRIES).update(status="failed", lease_token=0, due_at=None, finished_at=now, **LOST)
    return list(left.order_by("due_at").values_list("id", flat=True)[:room])


def _chosen(room: int, lanes: Lanes, per_account: int, now: datetime) -> list[UUID]:
    in_lane, of_account = _open(), Counter[str]()
    for lane, count in in_lane.items():
        of_account[account_of(lane)] += count
    chosen: list[UUID] = []
    for lane in lanes.due(now) if room > 0 else ():
        share = per_account - of_account[account_of(lane)]
        if share < 1 and not in_lane[lane] and is_endpoints(lane):
            share = 1
        free = min(PER_LANE * lanes.trust(lane) - in_lane[lane], share, room - len(chosen))
        if free > 0:
            ids = _next_of(lane, lanes, free, now)
            of_account[account_of(lane)] += len(ids)
            chosen += ids
    return chosen


def _open() -> Counter[str]:
    """Open calls by lane, in all processes together."""
    sending = Delivery.objects.filter(status="sending").order_by().values("lane")
    return Counter(dict(sending.annotate(count=Count("*")).values_list("lane", "count")))


def _next_of(lane: str, lanes: Lanes, count: int, now: datetime) -> list[UUID]:
    """Up to `count` due deliveries of the lane that wait for no earlier event of their task."""
    earlier = Delivery.objects.filter(
        task_id=OuterRef("task_id"), lane=OuterRef("lane"), sequence__lt=OuterRef("sequence"), status__in=OPEN
    ).order_by("due_at")
    due = Delivery.objects.filter(status="pending", lane=lane, due_at__lte=now).order_by("due_at")
    found = list(due.annotate(waits_until=Subquery(earlier.values("due_at")[:1])).values_list("id", "waits_until")[:LOOK_AT])
    lanes.served(lane) if found else lanes.forget(lane)
    free = [id for id, waits_until in found if waits_until is None]
    for id, waits_until in found:
        # Out of the way of those behind it, until the earlier event is tried again. Its end makes this one due at once.
        if waits_until and waits_until > now:
            Delivery.objects.filter(id=id, status="pending").update(due_at=waits_until)
    return free[:count]
