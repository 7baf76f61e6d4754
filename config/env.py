"""Every environment variable that Darkroom reads, declared once, read once, checked at start.

`.env.example` and docs/configuration.md are generated from `DECLARED`. Nothing else reads `os.environ`.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


class WrongEnvironment(SystemExit):
    """Stops the process at start; the text names each wrong variable, what was found and what would be right."""


@dataclass(frozen=True)
class Var:
    """One variable: its name, how its text is read, the value when unset, and a sentence for the operator.

    `secret` values are never printed; `production` ones have no default where DARKROOM_ENV is production; those `needed`
    somewhere, as "STORAGE=cos" says it, must be set there.
    """

    name: str
    read: Callable[[str], Any]
    default: Any
    help: str
    secret: bool = False
    production: bool = False
    needed: str = ""


def long_text(value: str) -> str:
    if len(value) < 40:
        raise ValueError("at least 40 characters")
    return value


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdecimal() or int(value) < least or (most is not None and int(value) > most):
            raise ValueError(f"a whole number, {least} or more" if most is None else f"a whole number from {least} to {most}")
        return int(value)

    return read


def words(value: str) -> list[str]:
    return [word.strip() for word in value.split(",") if word.strip()]


def folder(value: str) -> Path:
    return (ROOT / value).resolve()


def one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return value

    return read


def url(*schemes: str, or_empty: bool = False) -> Callable[[str], str]:
    def read(value: str) -> str:
        if not (value == "" and or_empty) and value.split("://")[0] not in schemes:
            raise ValueError("a URL that starts with " + " or ".join(f"{scheme}://" for scheme in schemes))
        return value

    return read


def address(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not re.fullmatch("unix:.+", value) and not (host and port.isascii() and port.isdecimal()):
        raise ValueError("host:port or unix:/path")
    return value


def matching(pattern: str, like: str) -> Callable[[str], str]:
    """Text that is empty or matches the whole pattern; `like` says how that looks."""

    def read(value: str) -> str:
        if value and not re.fullmatch(pattern, value):
            raise ValueError(like)
        return value

    return read


def fernet_keys(value: str) -> list[str]:
    keys = words(value)
    if not keys or not all(FERNET_KEY.fullmatch(key) for key in keys):
        raise ValueError("Fernet keys (44 characters of URL-safe base64 each), separated by commas")
    return keys


ONE_WORD = "text without spaces"
FERNET_KEY = re.compile(r"[A-Za-z0-9_-]{43}=")
DEVELOPMENT_KEY = "RGFya3Jvb20gZGV2ZWxvcG1lbnQgc2VhbGluZyBrZXk="

DECLARED = (
    Var("DARKROOM_ENV", one_of("development", "production"), "development", "production refuses to start without its secrets."),
    Var(
        "SECRET_KEY",
        long_text,
        "for development only, never to be used in production",
        "Signs sessions and links; at least 40 random characters.",
        True,
        True,
    ),
    Var(
        "SEALING_KEYS",
        fernet_keys,
        [DEVELOPMENT_KEY],
        "Fernet keys that seal provider credentials and webhook secrets, newest first, separated by commas.",
        True,
        True,
    ),
    Var("ALLOWED_HOSTS", words, ["*"], "Host names that the web tier answers to, separated by commas.", production=True),
    Var(
        "PUBLIC_URL",
        url("http", "https"),
        "http://127.0.0.1:8000",
        "How clients reach this server; links in answers start with it.",
        production=True,
    ),
    Var(
        "HOOKS_URL",
        url("http", "https", or_empty=True),
        "",
        "How upstreams reach /hooks/ of this server, as https://hooks.example.com; empty: they are not asked to call.",
    ),
    Var(
        "ADMIN_TWO_FACTOR",
        one_of("off", "optional", "required"),
        "optional",
        "Second factor of operators: asked of those who have set one up, required of all, or off, for when clocks or phones fail.",
    ),
    Var(
        "DATABASE_URL", url("mysql", "sqlite"), "sqlite:///var/darkroom.sqlite3", "mysql://user:password@host:3306/name, or sqlite:///path."
    ),
    Var(
        "REDIS_URL",
        url("redis", "rediss", or_empty=True),
        "",
        "redis://host:6379/0 for broker, caches and wake-ups; empty: none, wake-ups go by files.",
    ),
    Var(
        "STORAGE", one_of("disk", "cos"), "disk", "Where results and uploaded files are kept: disk, below STORAGE_DIR, or cos, in a bucket."
    ),
    Var(
        "STORAGE_DIR",
        folder,
        ROOT / "var/storage",
        "What is kept on disk; with STORAGE=cos, what is on its way, and inputs for local functions.",
    ),
    Var(
        "COS_BUCKET",
        matching(r"[a-z0-9][a-z0-9-]*-\d+", "a bucket's name with its APPID, as in darkroom-1250000000"),
        "",
        "Tencent COS: the bucket, with its APPID.",
        needed="STORAGE=cos",
    ),
    Var(
        "COS_REGION",
        matching(r"[a-z0-9]+(-[a-z0-9]+)+", "a region, as in ap-guangzhou"),
        "",
        "Tencent COS: the bucket's region, as in ap-guangzhou.",
        needed="STORAGE=cos",
    ),
    Var("COS_SECRET_ID", matching(r"\S+", ONE_WORD), "", "Tencent COS: the id of the key.", True, needed="STORAGE=cos"),
    Var("COS_SECRET_KEY", matching(r"\S+", ONE_WORD), "", "Tencent COS: the key.", True, needed="STORAGE=cos"),
    Var("COS_TOKEN", matching(r"\S+", ONE_WORD), "", "Tencent COS: the token of a temporary key; empty: it is a permanent one.", True),
    Var(
        "COS_ENDPOINT",
        url("http", "https", or_empty=True),
        "",
        "scheme://host:port that is spoken to instead of Tencent's servers, as a simulator.",
    ),
    Var(
        "STS_ENDPOINT",
        url("http", "https", or_empty=True),
        "",
        "scheme://host:port that is asked for temporary keys instead of Tencent's STS, as a simulator.",
    ),
    Var(
        "COS_DOMAIN",
        matching(r"[a-z0-9-]+(\.[a-z0-9-]+)+", "a host name"),
        "",
        "Custom domain of the bucket for signed links; browsers show no files on the bucket's own.",
    ),
    Var(
        "CONTENT",
        one_of("proxy", "redirect"),
        "proxy",
        "How clients get bytes from a bucket: proxy, through us, or redirect, by a link to it signed for an hour.",
    ),
    Var("BROKER_DIR", folder, ROOT / "var/broker", "Where wake-ups lie while REDIS_URL is empty; shared by web, worker and beat."),
    Var(
        "FUNCTIONS",
        one_of("local", "scf"),
        "local",
        "Where our functions run: local, by the runtime at FUNCTIONS_URL, or scf, on Tencent SCF, which needs STORAGE=cos.",
    ),
    Var(
        "SCF_REGION",
        matching(r"[a-z0-9]+(-[a-z0-9]+)+", "a region, as in ap-guangzhou"),
        "",
        "Tencent SCF: the functions' region; the bucket's own saves its traffic.",
        needed="FUNCTIONS=scf",
    ),
    Var("SCF_NAMESPACE", matching(r"[A-Za-z][A-Za-z0-9_-]*", "a namespace, as in default"), "default", "Tencent SCF: the namespace."),
    Var("SCF_SECRET_ID", matching(r"\S+", ONE_WORD), "", "Tencent SCF: the id of the key.", True, needed="FUNCTIONS=scf"),
    Var("SCF_SECRET_KEY", matching(r"\S+", ONE_WORD), "", "Tencent SCF: the key.", True, needed="FUNCTIONS=scf"),
    Var(
        "SCF_ROLE",
        matching(r"[\w.-]+", "the name of a role"),
        "",
        "Tencent SCF: the role that deployed functions have, by which they use the bucket (docs/functions-on-scf.md).",
    ),
    Var(
        "SCF_REGISTRY",
        matching(r"[a-z0-9.:-]+(/[a-z0-9._-]+)+", "a registry with a name space, as in ccr.ccs.tencentyun.com/darkroom"),
        "",
        "Tencent SCF: where functions build pushes images to, as in ccr.ccs.tencentyun.com/darkroom.",
    ),
    Var("SCF_REGISTRY_ID", matching(r"tcr-\w+", "an id, as in tcr-1234abcd"), "", "Id of an enterprise registry; empty: a personal one."),
    Var("SCF_INSTANCES", whole(1), 8, "Tencent SCF: instances of each function at most; so many are also kept free for it."),
    Var(
        "SCF_ENDPOINT",
        url("http", "https", or_empty=True),
        "",
        "scheme://host:port that is spoken to instead of Tencent's servers, as a simulator.",
    ),
    Var("FUNCTIONS_URL", url("http"), "http://127.0.0.1:8010", "Where the local runtime of our functions listens."),
    Var("FUNCTIONS_DIR", folder, ROOT / "var/functions", "Work folder of the local runtime; shared with the workers."),
    Var("FUNCTIONS_MEMORY_MB", whole(1), 1024, "Memory limit of one function process, in MB."),
    Var("FUNCTIONS_AT_ONCE", whole(1), 2, "How many functions the local runtime runs at once."),
    Var(
        "EGRESS_ALLOW",
        words,
        [],
        "host:port pairs, by commas, that may be fetched from and sent webhooks over http or at private addresses.",
    ),
    Var("ADAPTERS", words, [], "Modules with adapters of your own, each with a class named Adapter, separated by commas."),
    Var(
        "METRICS_TOKEN",
        matching(r"\S{20,}", "at least 20 characters without spaces"),
        "",
        "What Prometheus shows at /metrics, as `Authorization: Bearer …`; empty: only this machine, past any proxy, is answered.",
        True,
    ),
    Var("LOG_FORMAT", one_of("text", "json"), "text", "json: one object a line, for production; text: for a terminal."),
    Var("LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "The least severe line that is written."),
    Var("WEB_BIND", address, "127.0.0.1:8000", "Address that gunicorn listens on, or unix:/path."),
    Var(
        "CLIENT_ADDRESS_HEADER",
        matching(r"[A-Za-z0-9-]+", "the name of a header, as X-Real-IP"),
        "",
        "Header in which the proxy in front tells a client's address; empty: the peer's own. Clients must be unable to reach us past it.",
    ),
    Var("WEB_WORKERS", whole(1), 3, "gunicorn's worker processes."),
    Var("WEB_THREADS", whole(1), 6, "Threads per web worker; workers × threads is the number of database connections (5 to 20)."),
    Var(
        "STREAM_BIND",
        address,
        "unix:var/stream.sock",
        "Address that the stream tier listens on, or unix:/path; a proxy in front may send it what is to be streamed.",
    ),
    Var(
        "STREAM_SOCKET",
        folder,
        ROOT / "var/stream-handover.sock",
        "Socket file by which the web tier hands connections on to the stream tier of the same machine.",
    ),
    Var("STREAM_LIMIT", whole(1), 2000, "Streams and waits that the stream tier has open at once."),
    Var("STREAM_LIMIT_PER_ACCOUNT", whole(1), 100, "Of these, the most of one account."),
    Var("WEB_MEMORY_LIMIT_MB", whole(1), 600, "A web worker above this resident size finishes its request and is replaced."),
    Var("WORKER_MEMORY_LIMIT_MB", whole(1), 600, "A worker above this resident size finishes what is open, ends, and is started anew."),
    Var(
        "SUBMIT_WINDOW", whole(1), 100, "Submit calls that one worker keeps open at once; those that wait for a slow upstream come on top."
    ),
    Var("POLL_WINDOW", whole(1), 400, "Poll calls that one worker keeps open at once; those that wait for a slow upstream come on top."),
    Var("STORE_WINDOW", whole(1), 8, "Results that one worker fetches and stores at once."),
    Var(
        "NOTIFY_WINDOW",
        whole(1),
        100,
        "Webhook calls that a worker has open, beside those that hang; an account gets a quarter, and one for each endpoint.",
    ),
    Var("UPLOAD_LIMIT_MB", whole(1), 200, "Largest file that POST /files takes, in MB."),
    Var(
        "DIRECT_UPLOAD_LIMIT_MB",
        whole(1, 5000),
        5000,
        "Largest file that clients may put straight into the bucket, in MB (docs/uploads.md).",
    ),
    Var("RESULT_LIMIT_MB", whole(1), 2048, "Largest result that is fetched from an upstream, in MB."),
    Var("TASK_KEEP_DAYS", whole(0), 90, "Days that a settled task is kept with its outputs, and these may be inputs; 0: for ever."),
    Var("FILE_KEEP_DAYS", whole(0), 30, "Days that an uploaded file is kept and may be an input; 0: for ever."),
    Var("DELIVERY_KEEP_DAYS", whole(0), 30, "Days that a webhook delivery is kept, with its payload and answer; 0 keeps it for ever."),
    Var("HEALTH_KEEP_DAYS", whole(0), 90, "Days that the history of providers' health is kept, for charts; 0: for ever."),
)


def read_all(environ: Mapping[str, str]) -> dict[str, Any]:
    """Every declared variable's value from `environ`; raises WrongEnvironment that lists all that is wrong at once."""
    production = environ.get("DARKROOM_ENV") == "production"
    values, faults = {}, []
    for var in DECLARED:
        try:
            values[var.name] = _value(var, environ, production)
        except ValueError as fault:
            given = environ.get(var.name, "")
            found = "a value" if var.secret and given else repr(given)
            faults.append(f"  {var.name}: found {found}, needs {fault}. {var.help}")
    if faults:
        raise WrongEnvironment("The environment is wrong:\n" + "\n".join(faults))
    return values


def _value(var: Var, environ: Mapping[str, str], production: bool) -> Any:
    given = environ.get(var.name)
    name, _, value = var.needed.partition("=")
    if var.needed and not given and environ.get(name) == value:
        raise ValueError(f"to be set where {var.needed}")
    if given is not None:
        return var.read(given)
    if production and var.production:
        raise ValueError("to be set in production")
    return var.default


def from_file(path: Path) -> dict[str, str]:
    """NAME=value lines of a .env file; blank lines and those that start with # are passed over."""
    if not path.is_file():
        return {}
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name.strip(): value.strip().strip("\"'") for name, value in pairs}


env = read_all({**from_file(ROOT / ".env"), **os.environ})
