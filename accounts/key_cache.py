"""Who a key belongs to, remembered for 30 s by each process, so that most requests need nobody else to know who asks.

A revocation must hold at once, in every process on every server. So a process remembers only while it listens to a
channel in Redis on which revocations are announced, and forgets all it knows when it hears of one: they are rare, and so
no word about a key crosses the wire. A reader that looked its key up before it was revoked, and would remember it after,
finds that something was heard in between.

Redis may be away: then nothing is remembered, and each key is looked up in the database. Where Redis falls silent with its connections
open, or a revocation could not reach it, what was remembered runs out: in 30 s at most.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

CHANNEL = "darkroom:keys-revoked"
KEPT_S = 30
REST_S = 5
PATIENCE_S = 0.2
MOST = 10_000  # keys; a process that has seen more starts afresh

AWAY = (RedisError, OSError)


class KeyCache:
    """Digest of a key → whom it belongs to. `connect` gives a Redis client, None where there is no Redis to listen to."""

    def __init__(self, connect: Callable[[], Any] | None = None, *, clock: Callable[[], float] = time.monotonic, rest_s: float = REST_S):
        self._connect, self._clock, self._rest_s = connect, clock, rest_s
        self._kept: dict[str, tuple[Any, float]] = {}
        self._lock = threading.Lock()
        self._listener: threading.Thread | None = None
        self._closed = threading.Event()
        self._heard = 0
        self.hears = threading.Event()

    def find(self, digest: str, look_up: Callable[[], Any]) -> Any:
        """The owner that is remembered, else the one that `look_up()` finds; None is not remembered."""
        kept = self._kept.get(digest)
        if kept is not None and self._clock() < kept[1]:
            return kept[0]
        self._listen()
        heard = self._heard
        owner = look_up()
        if owner is not None:
            self._keep(digest, owner, heard)
        return owner

    def announce(self) -> None:
        """Make every process forget what it remembers, for a key is revoked."""
        self._forget()
        if self._connect is None:
            return
        try:
            self._connect().publish(CHANNEL, "")
        except AWAY as fault:
            log.warning("Redis is away (%s): the revocation holds in %d s at most.", type(fault).__name__, KEPT_S)

    def close(self) -> None:
        """Stop listening, and with it remembering."""
        self._closed.set()
        self._forget()

    def _keep(self, digest: str, owner: Any, heard: int) -> None:
        with self._lock:
            if self.hears.is_set() and heard == self._heard:
                if len(self._kept) >= MOST:
                    self._kept.clear()
                self._kept[digest] = owner, self._clock() + KEPT_S

    def _forget(self) -> None:
        with self._lock:
            self._heard += 1
            self._kept.clear()

    def _listen(self) -> None:
        with self._lock:
            if self._listener is not None or self._connect is None:
                return
            self._listener = threading.Thread(target=self._stay_tuned, name="key-revocations", daemon=True)
        self._listener.start()
        self.hears.wait(PATIENCE_S)  # so that this first key can be remembered

    def _stay_tuned(self) -> None:
        while not self._closed.is_set():
            try:
                self._hear()
            except AWAY as fault:
                if self.hears.is_set() or not self._heard:  # say it once, not with every try
                    log.warning("Redis is away (%s): keys are looked up in the database.", type(fault).__name__)
                self.hears.clear()
                self._forget()
                self._closed.wait(self._rest_s)

    def _hear(self) -> None:
        with self._connect().pubsub() as channel:
            channel.subscribe(CHANNEL)
            while not self._closed.is_set():
                # The first message says that we are subscribed; what was revoked before it went unheard.
                if channel.get_message(timeout=self._rest_s):
                    self._forget()
                    self.hears.set()


SHARED = KeyCache((lambda: get_redis_connection("default")) if settings.REDIS_URL else None)
