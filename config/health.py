"""Whether this process lives (/healthz) and whether this server can do its work now (/readyz)."""

import tempfile
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

PATIENCE_S = 0.5  # for Redis; a probe must answer before its asker gives up


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as long as this process answers; asks nobody else, so that a database outage restarts no web worker."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 ready or degraded, 503 unready. Redis missing only degrades: the rows are the queue, and workers tick themselves."""
    checks = {"database": _state(_database), "storage": _state(_storage), "broker": _state(_broker)}
    if "failed" in (checks["database"], checks["storage"]):
        return JsonResponse({"status": "unready", "checks": checks}, status=503)
    status = "degraded" if checks["broker"] == "failed" else "ready"
    return JsonResponse({"status": status, "checks": checks})


def _state(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception:  # noqa: BLE001 a door: whatever it is, the asker needs the one word
        return "failed"
    return "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _storage() -> None:
    _write_in(settings.STORAGE_DIR)


def _broker() -> None:
    if not settings.REDIS_URL:
        return _write_in(settings.BROKER_DIR)
    times = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S}
    with redis.Redis.from_url(settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **times) as client:
        client.ping()
    return None


def _write_in(folder) -> None:
    """Write and flush a byte in `folder`: the one proof that it is there, ours, and not full."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"1")
        file.flush()
