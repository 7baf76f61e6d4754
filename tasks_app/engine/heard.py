"""What calls came to, told to whom it concerns: the breakers of their providers, and the rates from which charts are drawn."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic

from django.db import DatabaseError

from providers import breakers, rates
from providers.breaker import Call, is_untold
from providers.breakers import Door
from providers.errors import UpstreamError
from providers.outcomes import Finished

from .claims import Claimed
from .decisions import Outcome

log = logging.getLogger(__name__)


def timed(door: Door, claimed: Claimed, outcome: Outcome, took_s: float) -> None:
    """Count one answer as it arrives; on the event loop's thread, so no database."""
    error = outcome if isinstance(outcome, UpstreamError) else None
    answer: rates.Answer = "refused" if is_untold(error) else "bad" if error else "good"
    rates.count(claimed.row["provider_id"], claimed.row["model"], door, answer, took_s=took_s)
    if door == "submit" and isinstance(outcome, Finished):
        rates.count_job(claimed.row["provider_id"], claimed.row["model"], door, took_s=took_s, cost=outcome.cost)


def ended(claimed: Claimed, outcome: Finished, *, now: datetime) -> None:
    """Count a job that was polled until it ended well. Its row was last written when its upstream took it, or was told to stop it."""
    took_s = (now - claimed.row["updated_at"]).total_seconds()
    rates.count_job(claimed.row["provider_id"], claimed.row["model"], "poll", took_s=took_s, cost=outcome.cost)


def tell(door: Door, heard: Iterable[tuple[Claimed, Outcome]], *, now: datetime) -> None:
    """Count these answers. They are written down already, and a count that fails keeps nobody from what comes next."""
    calls = defaultdict(list)
    for claimed, outcome in heard:
        began_at = now - timedelta(seconds=monotonic() - claimed.taken)
        calls[claimed.row["provider_id"]].append(Call(outcome if isinstance(outcome, UpstreamError) else None, began_at))
    try:
        for provider_id, answers in sorted(calls.items()):
            breakers.heard(provider_id, door, answers, now=now)
    except DatabaseError as fault:
        log.warning("what %d calls came to was not counted: %s", sum(map(len, calls.values())), type(fault).__name__)
