"""What calls came to, told to the breakers of their providers."""

import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from time import monotonic

from django.db import DatabaseError

from providers import breakers
from providers.breaker import Call
from providers.breakers import Door
from providers.errors import UpstreamError

from .claims import Claimed
from .decisions import Outcome

log = logging.getLogger(__name__)


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
