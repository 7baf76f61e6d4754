"""From the web tier to the stream tier: a client's connection, handed on whole.

What would hold one of web's threads for minutes is not for it. So it passes the connection itself through a unix socket
(SCM_RIGHTS, unix(7)), with the request that it has read, and is done; the stream tier goes on as if the client had come to it. No
proxy has to know which requests these are, none stands in between, and there is one public address.

A request that web has seen to, but for a wait, goes with what is left of it, in a line before it. Nobody else's word counts for that.
"""

import re
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

EVENTS = re.compile(r"/api/v1/(tasks/[^/]+|account)/events")
TASKS = re.compile(r"/api/v1/tasks(/[^/]+)?")
PATHS = re.compile(f"{EVENTS.pattern}|{TASKS.pattern}")
WAITS = re.compile(r"(^|,)\s*wait\s*=", re.IGNORECASE)

BODY_LIMIT = 1024 * 1024  # bytes; a longer one is answered by web, at once
PATIENCE_S = 1.0
BACKLOG = 2048  # thousands of clients come again within seconds after a restart; beyond it the kernel refuses at once
READ_AT_ONCE = 65536

Headers = Sequence[tuple[str, str]]


class Taken(NamedTuple):
    """A client that was handed on, with its request; `rest` is what web has left of it, empty where that is all."""

    client: socket.socket
    request: bytes
    rest: bytes


def is_wanted(path: str, headers: Headers) -> bool:
    """Whether this is for the stream tier. Web reads no body that is not plainly there."""
    if path.endswith("/events"):
        return EVENTS.fullmatch(path) is not None
    wishes = [value for name, value in headers if name == "PREFER"]
    if not any(map(WAITS.search, wishes)) or not TASKS.fullmatch(path):
        return False
    return not any(name in ("TRANSFER-ENCODING", "EXPECT") or (name == "CONTENT-LENGTH" and _is_long(value)) for name, value in headers)


def connected(path: Path) -> socket.socket | None:
    """A connection to the stream tier of this machine; None where there is none."""
    taker = socket.socket(socket.AF_UNIX)
    taker.settimeout(PATIENCE_S)
    try:
        taker.connect(str(path))
    except OSError:
        taker.close()
        return None
    return taker


def give(client: socket.socket, request: bytes, *, to: socket.socket, rest: bytes = b"") -> None:
    """Hand the client on, with the request that was read from it. It is another's from here on; ours is to be closed."""
    with to:
        socket.send_fds(to, [b"\0"], [client.fileno()])
        to.sendall(rest + b"\n" + request)


def take(giver: socket.socket) -> Taken | None:
    """The client that is handed on by this connection, and its request; None where it broke off."""
    with giver:
        giver.settimeout(PATIENCE_S)
        try:
            _, descriptors, _, _ = socket.recv_fds(giver, 1, 1)
            if not descriptors:
                return None
            client = socket.socket(fileno=descriptors[0])
            rest, _, request = b"".join(iter(lambda: giver.recv(READ_AT_ONCE), b"")).partition(b"\n")
            return Taken(client, request, rest)
        except OSError:
            return None


def written(method: str, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    """The request as it came, but that its connection ends with its answer."""
    kept = [f"{name}: {value}\r\n" for name, value in headers if name not in ("CONNECTION", "KEEP-ALIVE")]
    return f"{method} {target} HTTP/1.1\r\n{''.join(kept)}CONNECTION: close\r\n\r\n".encode("latin-1") + body


def listener(path: Path) -> socket.socket:
    """Where the stream tier waits for what is handed on; only its own user may."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # of one that was killed
    made = socket.socket(socket.AF_UNIX)
    made.bind(str(path))
    path.chmod(0o600)
    made.listen(BACKLOG)
    return made


def _is_long(length: Any) -> bool:
    return not length.isdecimal() or int(length) > BODY_LIMIT
