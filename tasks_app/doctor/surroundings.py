"""What Darkroom stands on beside the database: environment, web tier, Redis, wake-ups, storage, disk, functions."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import redis as redis_client
from celery import current_app
from django.conf import settings
from django.core import checks
from redis.backoff import NoBackoff
from redis.retry import Retry

from .. import local_web
from ..storage import chosen, trial
from .verdict import Verdict, by_limits, fail, ok, warn

MB = 1_000_000
PATIENCE_S = 2.0
ASKED = 5
SLOW_REDIS_MS = 20.0
SLOW_STORAGE_MS = 3000.0
WAITING, DROWNING = 100, 10_000  # wake-ups of one queue: they coalesce, so a consumer never has a dozen before it


def environment() -> Iterator[Verdict]:
    """It was read, or this would not run; which one it is, an operator's shell gets wrong more often than a service does."""
    figure = f"{'production' if settings.PRODUCTION else 'development'}, {_database()}, {_place(settings.REDIS_URL) or 'no Redis'}"
    if settings.PRODUCTION:
        yield ok("environment", figure)
    else:
        yield warn("environment", figure, "Not for clients. If this is a server, give this shell the services' environment.")


def settings_checked() -> Iterator[Verdict]:
    """What `manage.py check` says, with --deploy in production."""
    found = [one for one in checks.run_checks(include_deployment_checks=settings.PRODUCTION) if not one.is_silenced()]
    if not found:
        yield ok("settings", "manage.py check finds nothing")
    for one in found:
        judge = fail if one.level >= checks.ERROR else warn
        yield judge("settings", f"{one.id}: {_line(one.msg)}", _line(one.hint or "manage.py check says more."))


def web() -> Iterator[Verdict]:
    began = perf_counter()
    try:
        status, text = local_web.get("/readyz", timeout_s=PATIENCE_S)
    except PermissionError:
        yield warn("web", f"{settings.WEB_BIND} is not for this user", "Ask as root: the socket is the proxy's.")
        return
    except local_web.AWAY as fault:
        yield warn("web", f"{settings.WEB_BIND}: {_line(fault)}", "Start the web tier, if it shall run on this machine.")
        return
    figure = f"{settings.WEB_BIND} answers {status} in {_ms(began):.0f} ms"
    yield ok("web", figure) if status == 200 else fail("web", f"{figure}: {_line(text)}", "Mend what it names, and read its log.")


def redis() -> Iterator[Verdict]:
    if not settings.REDIS_URL:
        yield ok("redis", "none; wake-ups go by files")
        return
    try:
        with _redis() as client:
            facts = client.info()
            took = min(_ping_ms(client) for _ in range(ASKED))  # the other checks run beside this one
    except redis_client.RedisError as fault:
        yield fail("redis", _line(fault), "Start it. Until then nothing is lost, but each request and wake-up takes the slow way.")
        return
    yield by_limits(
        "redis",
        took,
        f"Redis {facts['redis_version']} in {took:.1f} ms",
        "Look for a slow command (SLOWLOG GET), for swap, and for a neighbour on its machine.",
        warn_above=SLOW_REDIS_MS,
        fail_above=1000,
    )
    yield _memory(facts)


def wake_ups() -> Iterator[Verdict]:
    """Messages that nobody has taken, by queue."""
    try:
        waiting = _waiting()
    except (redis_client.RedisError, OSError) as fault:
        yield fail("wake-ups", _line(fault), "Mend Redis, or the folder BROKER_DIR; workers look by themselves meanwhile.")
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


def storage() -> Iterator[Verdict]:
    """A small object put, read, signed and deleted."""
    steps = list(trial.run(chosen()))
    if failed := next((step for step in steps if step.fault), None):
        yield fail("storage", f"{failed.what}: {_line(failed.fault)}", "manage.py storage check tries each step by itself.")
        return
    took = sum(step.ms for step in steps)
    figure = f"{settings.STORAGE}: put, read and deleted in {took:.0f} ms"
    remedy = "Look at the way to the bucket, or at the disk's load."
    yield by_limits("storage", took, figure, remedy, warn_above=SLOW_STORAGE_MS, fail_above=4 * SLOW_STORAGE_MS)


def disk() -> Iterator[Verdict]:
    """Each file system that we write to. With a bucket as well: what is on its way lies here first."""
    for place in {os.stat(folder).st_dev: folder for folder in map(_existing, _folders())}.values():
        yield _room(place)


def functions() -> Iterator[Verdict]:
    if settings.FUNCTIONS != "local":
        yield ok("functions", "on Tencent SCF: see providers, and manage.py functions list")
        return
    try:
        with urlopen(f"{settings.FUNCTIONS_URL}/healthz", timeout=PATIENCE_S) as answer:
            yield ok("functions", f"the runtime at {settings.FUNCTIONS_URL} answers {answer.status}")
    except (URLError, OSError) as fault:
        yield fail("functions", f"{settings.FUNCTIONS_URL}: {_line(fault)}", "Start the functions' runtime; their tasks wait for it.")


def _ping_ms(client: redis_client.Redis) -> float:
    began = perf_counter()
    client.ping()
    return _ms(began)


def _memory(facts: dict) -> Verdict:
    """A broker that evicts loses wake-ups, which costs seconds; one that is full refuses them all."""
    used, most = facts["used_memory"] / MB, facts["maxmemory"] / MB
    figure = f"{used:.0f} MB of {most:.0f} MB used, {facts['maxmemory_policy']}" if most else f"{used:.0f} MB used, without a limit"
    if facts["maxmemory_policy"].startswith("allkeys"):
        return warn("redis memory", figure, "Set maxmemory-policy to volatile-ttl: this one throws wake-ups away before caches.")
    remedy = "Raise maxmemory, or find what fills it: redis-cli --bigkeys."
    return by_limits("redis memory", used / most if most else 0, figure, remedy, warn_above=0.8, fail_above=0.98)


def _waiting() -> dict[str, int]:
    queues = [queue.name for queue in current_app.conf.task_queues]
    if settings.REDIS_URL:
        with _redis() as client:
            return {queue: client.llen(queue) for queue in queues}
    names = os.listdir(settings.BROKER_DIR / "messages")
    return {queue: sum(name.endswith(f".{queue}.msg") for name in names) for queue in queues}


def _redis() -> redis_client.Redis:
    patience = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
    return redis_client.Redis.from_url(settings.REDIS_URL, decode_responses=True, retry=Retry(NoBackoff(), 0), **patience)


def _folders() -> Iterator[Path]:
    yield settings.STORAGE_DIR
    if not settings.REDIS_URL:
        yield settings.BROKER_DIR
    if settings.FUNCTIONS == "local":
        yield settings.FUNCTIONS_DIR
    if "sqlite" in settings.DATABASES["default"]["ENGINE"] and "memory" not in str(settings.DATABASES["default"]["NAME"]):
        yield Path(settings.DATABASES["default"]["NAME"]).parent


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _room(folder: Path) -> Verdict:
    total, _, free = shutil.disk_usage(folder)
    inodes = os.statvfs(folder)
    result = settings.RESULT_LIMIT_MB * MB
    figure = f"{free / MB:,.0f} MB of {total / MB:,.0f} MB free at {folder}"
    remedy = "manage.py cleanup removes what is past its time; lower TASK_KEEP_DAYS, or give it a larger disk."
    if free < result:
        return fail("disk", f"{figure}, less than one result may take", remedy)
    if free < max(total / 10, 2 * result):
        return warn("disk", figure, remedy)
    if inodes.f_files and inodes.f_favail < inodes.f_files / 20:
        return warn("disk", f"{inodes.f_favail:,} of {inodes.f_files:,} inodes free at {folder}", remedy)
    return ok("disk", figure)


def _database() -> str:
    chosen = settings.DATABASES["default"]
    return f"{chosen['NAME']} at {chosen['HOST']}:{chosen['PORT']}" if chosen.get("HOST") else str(chosen["NAME"])


def _place(url: str) -> str:
    """Host and port alone: a URL may hold a password."""
    parts = urlsplit(url)
    return f"Redis at {parts.hostname}:{parts.port or 6379}" if url else ""


def _ms(began: float) -> float:
    return (perf_counter() - began) * 1000


def _line(text: object) -> str:
    return " ".join(str(text).split())[:160]
