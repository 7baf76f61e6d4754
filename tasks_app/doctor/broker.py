"""Redis, and the wake-ups that nobody has taken from it, or from the folder that stands for it."""

import os
from collections.abc import Iterator
from time import perf_counter

import redis as client
from celery import current_app
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from .verdict import Verdict, by_limits, fail, line, ms_since, ok, warn

MB = 1_000_000
PATIENCE_S = 2.0
ASKED = 5
SLOW_MS = 20.0
WAITING, DROWNING = 100, 10_000  # wake-ups of one queue: they coalesce, so a consumer never has a dozen before it


def redis() -> Iterator[Verdict]:
    if not settings.REDIS_URL:
        yield ok("redis", "none; wake-ups go by files")
        return
    try:
        with _connection() as connection:
            facts = connection.info()
            took = min(_ping_ms(connection) for _ in range(ASKED))  # the other checks run beside this one
    except client.RedisError as fault:
        yield fail("redis", line(fault), "Start it. Until then nothing is lost, but each request and wake-up takes the slow way.")
        return
    yield by_limits(
        "redis",
        took,
        f"Redis {facts['redis_version']} in {took:.1f} ms",
        "Look for a slow command (SLOWLOG GET), for swap, and for a neighbour on its machine.",
        warn_above=SLOW_MS,
        fail_above=1000,
    )
    yield _memory(facts)


def wake_ups() -> Iterator[Verdict]:
    """Messages that nobody has taken, by queue."""
    try:
        waiting = _waiting()
    except (client.RedisError, OSError) as fault:
        yield fail("wake-ups", line(fault), "Mend Redis, or the folder BROKER_DIR; workers look by themselves meanwhile.")
        return
    queue = max(waiting, key=waiting.__getitem__)
    yield by_limits(
        "wake-ups",
        waiting[queue],
        f"{waiting[queue]} wait in {queue}" if waiting[queue] else "none waits",
        f"No worker takes from {queue}: start one, or see what it hangs in. They may be deleted at no cost.",
        warn_above=WAITING,
        fail_above=DROWNING,
    )


def _memory(facts: dict) -> Verdict:
    """A broker that evicts loses wake-ups, which costs seconds; one that is full refuses them all."""
    used, most = facts["used_memory"] / MB, facts["maxmemory"] / MB
    figure = f"{used:.0f} MB of {most:.0f} MB used, {facts['maxmemory_policy']}" if most else f"{used:.0f} MB used, without a limit"
    if facts["maxmemory_policy"].startswith("allkeys"):
        return warn("redis memory", figure, "Set maxmemory-policy to volatile-ttl: this one throws wake-ups away before caches.")
    remedy = "Raise maxmemory, or find what fills it: redis-cli --bigkeys."
    return by_limits("redis memory", used / most if most else 0, figure, remedy, warn_above=0.8, fail_above=0.98)


def _ping_ms(connection: client.Redis) -> float:
    began = perf_counter()
    connection.ping()
    return ms_since(began)


def _waiting() -> dict[str, int]:
    queues = [queue.name for queue in current_app.conf.task_queues]
    if settings.REDIS_URL:
        with _connection() as connection:
            return {queue: connection.llen(queue) for queue in queues}
    names = os.listdir(settings.BROKER_DIR / "messages")
    return {queue: sum(name.endswith(f".{queue}.msg") for name in names) for queue in queues}


def _connection() -> client.Redis:
    patience = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
    return client.Redis.from_url(settings.REDIS_URL, decode_responses=True, retry=Retry(NoBackoff(), 0), **patience)
