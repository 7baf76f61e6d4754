"""What Darkroom stands on beside the database, Redis and files: its environment and settings, the web tier, the functions."""

from collections.abc import Iterator
from time import perf_counter
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from django.conf import settings
from django.core import checks

from .. import local_web
from .verdict import Verdict, fail, line, ms_since, ok, warn

PATIENCE_S = 2.0


def environment() -> Iterator[Verdict]:
    """It was read, or this would not run; which one it is, an operator's shell gets wrong more often than a service does."""
    figure = f"{'production' if settings.PRODUCTION else 'development'}, {_database()}, {_place(settings.REDIS_URL) or 'no Redis'}"
    if settings.PRODUCTION:
        yield ok("environment", figure)
    else:
        yield warn("environment", figure, "Not for clients. If this is a server, give this shell the services' environment.")


def settings_checked() -> Iterator[Verdict]:
    """What `manage.py check` says, with --deploy in production; the servers' own settings are the database's and Redis's to judge."""
    every = checks.registry.registry.get_checks(settings.PRODUCTION)
    told = (one for check in every if checks.Tags.database not in check.tags for one in check(app_configs=None, databases=None))
    found = [one for one in told if not one.is_silenced()]
    if not found:
        yield ok("settings", "manage.py check finds nothing")
    for one in found:
        judge = fail if one.level >= checks.ERROR else warn
        yield judge("settings", f"{one.id}: {line(one.msg)}", line(one.hint or "manage.py check says more."))


def web() -> Iterator[Verdict]:
    began = perf_counter()
    try:
        status, text = local_web.get("/readyz", timeout_s=PATIENCE_S)
    except PermissionError:
        yield warn("web", f"{settings.WEB_BIND} is not for this user", "Ask as root: the socket is the proxy's.")
        return
    except local_web.AWAY as fault:
        yield warn("web", f"{settings.WEB_BIND}: {line(fault)}", "Start the web tier, if it shall run on this machine.")
        return
    figure = f"{settings.WEB_BIND} answers {status} in {ms_since(began):.0f} ms"
    yield ok("web", figure) if status == 200 else fail("web", f"{figure}: {line(text)}", "Mend what it names, and read its log.")


def stream() -> Iterator[Verdict]:
    """Without it, clients ask again and again, as they did before there was one."""
    began = perf_counter()
    try:
        status, _ = local_web.get("/healthz", at=settings.STREAM_BIND, timeout_s=PATIENCE_S)
    except PermissionError:
        yield warn("stream", f"{settings.STREAM_BIND} is not for this user", "Ask as root: the socket is the proxy's.")
        return
    except local_web.AWAY as fault:
        yield warn("stream", f"{settings.STREAM_BIND}: {line(fault)}", "Start the stream tier, if it shall run on this machine.")
        return
    yield ok("stream", f"{settings.STREAM_BIND} answers {status} in {ms_since(began):.0f} ms")


def functions() -> Iterator[Verdict]:
    if settings.FUNCTIONS != "local":
        yield ok("functions", "on Tencent SCF: see providers, and manage.py functions list")
        return
    try:
        with urlopen(f"{settings.FUNCTIONS_URL}/healthz", timeout=PATIENCE_S) as answer:
            yield ok("functions", f"the runtime at {settings.FUNCTIONS_URL} answers {answer.status}")
    except (URLError, OSError) as fault:
        yield fail("functions", f"{settings.FUNCTIONS_URL}: {line(fault)}", "Start the functions' runtime; their tasks wait for it.")


def _database() -> str:
    chosen = settings.DATABASES["default"]
    return f"{chosen['NAME']} at {chosen['HOST']}:{chosen['PORT']}" if chosen.get("HOST") else str(chosen["NAME"])


def _place(url: str) -> str:
    """Host and port alone: a URL may hold a password."""
    parts = urlsplit(url)
    return f"Redis at {parts.hostname}:{parts.port or 6379}" if url else ""
