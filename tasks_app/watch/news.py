"""What is told over Redis after a commit: whose tasks moved, and how far tasks are. It may be lost at no cost."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import orjson
from django.conf import settings
from django_redis import get_redis_connection
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

CHANNEL = "darkroom:watch"
REST_S = 5.0  # Redis is left alone for this long once it did not answer

AWAY = (RedisError, OSError)

_rests_until = 0.0


@dataclass(frozen=True, slots=True)
class News:
    """Accounts of which a task moved; and of tasks that are further than they were, their account and the share that is done."""

    accounts: frozenset[int] = frozenset()
    progress: Mapping[UUID, tuple[int, float]] | None = None


def tell(accounts: Iterable[int], progress: Mapping[UUID, tuple[int, float]]) -> None:
    """Tell every process that watches; to be called once all of it is committed."""
    global _rests_until
    if not settings.REDIS_URL or monotonic() < _rests_until:
        return
    try:
        get_redis_connection("default").publish(CHANNEL, written(accounts, progress))
    except AWAY as fault:
        _rests_until = monotonic() + REST_S
        log.warning("Redis is away (%s): who watches tasks looks by itself.", type(fault).__name__)


def written(accounts: Iterable[int], progress: Mapping[UUID, tuple[int, float]]) -> bytes:
    return orjson.dumps([sorted(set(accounts)), [[task.hex, account, share] for task, (account, share) in progress.items()]])


def read(message: bytes) -> News:
    """What `written` wrote; nothing where another version of ours wrote it otherwise."""
    try:
        accounts, progress = orjson.loads(message)
        return News(frozenset(accounts), {UUID(hex=task): (account, share) for task, account, share in progress})
    except (ValueError, TypeError):
        return News()
