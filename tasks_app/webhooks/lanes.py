"""Lanes: what shares its two open calls, and which of them may have a delivery that is due.

Asking the database for all lanes at each look would read every waiting delivery: 20 ms for 30,000 (measured, MariaDB 10.11), and an
endpoint that hangs for a day may well have so many. So a process keeps the lanes it knows of, and a look reads only what fell
due since the look before.
"""

from datetime import UTC, datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db.models import QuerySet
from yarl import URL

from .. import ids
from ..models import Delivery

OVERLAP = timedelta(seconds=10)  # a row is due from before its commit: a transaction may take a while, and clocks differ
MOST_TRUST = 4
SWEEP_S = 30.0  # how long what all of that missed may wait

NEVER = datetime.max.replace(tzinfo=UTC)


def of_endpoint(account_id: int, endpoint_id: UUID) -> str:
    return f"{account_id}@{ids.shown('whe', endpoint_id)}"


def of_url(account_id: int, url: str) -> str:
    """The lane of a URL that came with a task: two accounts that use the same host do not wait for each other."""
    place = URL(url)
    return f"{account_id}@{place.raw_host}:{place.port}"[:200]


def is_endpoints(lane: str) -> bool:
    """Whether it is that of an endpoint, of which an account has but a few, and not of a URL that came with a task."""
    return ids.parse("whe", lane.partition("@")[2]) is not None


def account_of(lane: str) -> str:
    return lane.partition("@")[0]


class Lanes:
    """The lanes known to this process, the one served longest ago first. One that is empty is forgotten when somebody looks."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._trust: dict[str, int] = {}
        self._looked_at = NEVER
        self._swept_at = float("-inf")

    def due(self, now: datetime) -> list[str]:
        """Those in which something may be due."""
        self._known |= dict.fromkeys(self._fallen_due(now).values_list("lane", flat=True).distinct())
        self._looked_at = now
        return list(self._known)

    def served(self, lane: str) -> None:
        """It has had its turn: the others come first."""
        self._known[lane] = self._known.pop(lane, None)

    def forget(self, lane: str) -> None:
        """Nothing is due there now."""
        self._known.pop(lane, None)
        self._trust.pop(lane, None)

    def trust(self, lane: str) -> int:
        """How many times as many calls as a lane of which nothing is known may be open there."""
        return self._trust.get(lane, 1)

    def heard(self, lane: str, *, well: bool) -> None:
        """A call there was answered well and soon, or not: more at once while it goes well, and no more than at first once it does not."""
        if lane in self._known:
            self._trust[lane] = min(2 * self.trust(lane), MOST_TRUST) if well else 1

    def _fallen_due(self, now: datetime) -> QuerySet:
        pending = Delivery.objects.filter(status="pending", due_at__lte=now).order_by()
        if now < self._looked_at or monotonic() - self._swept_at > SWEEP_S:
            self._swept_at = monotonic()
            return pending
        return pending.filter(due_at__gt=self._looked_at - OVERLAP)
