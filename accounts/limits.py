"""How many requests a minute a key may make, reads and writes apart.

A minute is one by the clock, and counted in Redis for all processes on all servers together. A process takes permits there
by the handful, a fiftieth of the limit, and spends them alone: so of fifty requests one asks Redis, and yet all processes together never
exceed the limit. The price: a process may refuse in the last moments of a minute what another has left in its hand.

Where Redis is away, or there is none, each process counts for itself and grants the whole limit: a limit protects our capacity,
and is no reason to refuse. A key without a limit costs a comparison.
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError

from .keys import Caller

log = logging.getLogger(__name__)

MINUTE_S = 60
HANDFULS = 50  # to a limit
REST_S = 5  # Redis is left alone for this long once it did not answer
MOST = 10_000  # minutes kept; a process that has seen more keys starts afresh

AWAY = (RedisError, OSError)


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a request: whether it is one too many, and what is left until the minute ends in `reset_s` seconds."""

    is_refused: bool
    limit: int
    remaining: int
    reset_s: int


@dataclass(slots=True)
class Minute:
    """One key's reads or writes of one minute: permits in this process's hand, those taken by all, those spent here."""

    number: int
    left: int = 0
    taken: int = 0
    spent: int = 0


class Limiter:
    """Counts for this process. `connect` gives a Redis client, None where there is no Redis."""

    def __init__(self, connect: Callable[[], Any] | None = None, *, clock: Callable[[], float] = time.time):
        self._connect, self._clock = connect, clock
        self._minutes: dict[tuple[int, bool, int], Minute] = {}
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def count(self, key_id: int, *, write: bool, limit: int) -> Standing:
        """Count one request of this key."""
        now = self._clock()
        minute = self._minute((key_id, write, limit), int(now // MINUTE_S))
        while not (granted := self._spend(minute)) and minute.taken < limit:
            self._take_handful(minute, f"darkroom:limit:{key_id}:{'w' if write else 'r'}:{minute.number}", limit, now)
        remaining = max(0, limit - minute.taken) + minute.left
        return Standing(not granted, limit, remaining if granted else 0, math.ceil(MINUTE_S - now % MINUTE_S))

    def _minute(self, name: tuple[int, bool, int], number: int) -> Minute:
        minute = self._minutes.get(name)
        if minute is None or minute.number != number:
            with self._lock:
                if len(self._minutes) >= MOST:
                    self._minutes.clear()
                minute = self._minutes[name] = Minute(number)
        return minute

    def _spend(self, minute: Minute) -> bool:
        with self._lock:
            if minute.left == 0:
                return False
            minute.left -= 1
            minute.spent += 1
            return True

    def _take_handful(self, minute: Minute, name: str, limit: int, now: float) -> None:
        """Either there is a permit in the hand afterwards, or the limit is `taken`."""
        handful = max(1, limit // HANDFULS)
        taken = self._ask(name, handful, now)  # no lock is held: others may spend meanwhile
        with self._lock:
            if taken is None:
                taken, handful = minute.spent + minute.left + 1, 1
            minute.taken = min(taken, limit)
            minute.left += max(0, handful - max(0, taken - limit))

    def _ask(self, name: str, handful: int, now: float) -> int | None:
        """The permits that all processes have taken, with this handful; None where Redis does not say."""
        if self._connect is None or now < self._rests_until:
            return None
        try:
            with self._connect().pipeline(transaction=False) as both:
                both.incrby(name, handful)
                both.expire(name, 2 * MINUTE_S)
                return both.execute()[0]
        except AWAY as fault:
            self._rests_until = now + REST_S
            log.warning("Redis is away (%s): each process counts requests for itself.", type(fault).__name__)
            return None


SHARED = Limiter((lambda: get_redis_connection("default")) if settings.REDIS_URL else None)


def count(caller: Caller, *, write: bool, limiter: Limiter = SHARED) -> Standing | None:
    """Count one request of the caller's key; None where it has no limit."""
    limit = caller.writes_per_minute if write else caller.reads_per_minute
    return None if limit is None else limiter.count(caller.key_id, write=write, limit=limit)
