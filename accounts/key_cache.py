"""Who a key belongs to, remembered for 30 s in Redis, so that most requests need no database to know who asks.

A revocation must hold at once, also against a reader that looked the key up just before. So nothing is deleted: a
revocation *overwrites* with a tombstone, and a reader only *adds* where nothing is. Whichever comes first, the tombstone
stands. It outlives any reader: an hour, where a request lives for seconds.

Redis may be away. Then a key is looked up in the database, and Redis is left alone for 5 s after it failed, so that it
costs one time-out (0.2 s, config/settings.py) and not one per request. A revocation that could not reach Redis holds
as soon as the entry it would have overwritten runs out: in 30 s at most.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

KEPT_S = 30
TOMBSTONE_S = 3600
REST_S = 5

REVOKED: list = []  # as JSON gives it back

AWAY = (RedisError, OSError)


class Breaker:
    """Says whether to ask something that may be away: not for `rest_s` after it failed, then one caller tries for all."""

    def __init__(self, *, rest_s: float, clock: Callable[[], float]):
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._ask_again_at: float | None = None

    def lets_through(self) -> bool:
        if self._ask_again_at is None:
            return True
        with self._lock:
            if self._ask_again_at is not None and self._clock() < self._ask_again_at:
                return False
            self.failed()  # until the one that now asks has an answer
            return True

    def failed(self) -> None:
        self._ask_again_at = self._clock() + self._rest_s

    def worked(self) -> None:
        self._ask_again_at = None


class KeyCache:
    """Digest of a key → whom it belongs to, as a short list; REVOKED for a revoked key; None where nothing is known."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._breaker = Breaker(rest_s=REST_S, clock=clock)

    def get(self, digest: str) -> list | None:
        return self._ask(cache.get, _name(digest))

    def add(self, digest: str, owner: list) -> None:
        self._ask(cache.add, _name(digest), owner, KEPT_S)

    def bury(self, digest: str) -> None:
        """Make readers find that the key is revoked."""
        # Asked even while the breaker rests: an operator waits for this, and it is rare.
        self._try(cache.set, _name(digest), REVOKED, TOMBSTONE_S)

    def _ask(self, verb: Callable, *args: Any) -> Any:
        return self._try(verb, *args) if self._breaker.lets_through() else None

    def _try(self, verb: Callable, *args: Any) -> Any:
        try:
            answer = verb(*args)
        except AWAY as fault:
            self._breaker.failed()
            log.warning("Redis is away (%s): keys are looked up in the database for the next %d s.", type(fault).__name__, REST_S)
            return None
        self._breaker.worked()
        return answer


def _name(digest: str) -> str:
    return f"key:{digest}"


SHARED = KeyCache()
