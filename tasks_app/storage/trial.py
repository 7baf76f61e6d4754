"""Whether the chosen store does what it promises: a small object put, read, signed, taken, copied, deleted, with a verdict on each step."""

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPSConnection
from time import monotonic
from urllib.parse import urlsplit

from asgiref.sync import async_to_sync

from .errors import NoLink, StorageError
from .store import Store

SIZE = 1000


class Failed(Exception):
    """A step did not do what it promises; the text says how."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`what` was tried; `fault` is empty where it went well; `note` says more. `is_minor`: clients have another way."""

    what: str
    ms: float
    fault: str = ""
    note: str = ""
    is_minor: bool = False


def run(store: Store) -> Iterator[Verdict]:
    """Each step's verdict as it is reached; the object is deleted whatever happens to the others."""
    name, content = secrets.token_hex(8), os.urandom(SIZE)
    key, copy, taken = f"checks/{name}", f"checks/{name}-copy", f"uploads/{name}"
    steps: dict[str, Callable[[], str]] = {
        "put": lambda: _put(store, key, content),
        "get": lambda: _same(b"".join(store.open(key)), content),
        "range": lambda: _same(b"".join(store.open(key, 10, 20)), content[10:20]),
        "sign": lambda: _follow(store.sign(key, seconds=60), content),
        "take": lambda: _give(store.sign_put(taken, bytes=SIZE, seconds=60), content),
        "copy": lambda: _copy(store, key, copy, content),
        "delete": lambda: _delete(store, key, copy, taken),
    }
    for what, step in steps.items():
        yield tried(what, step)


def tried(what: str, step: Callable[[], str]) -> Verdict:
    """The verdict on one step, which answers with a note."""
    began = monotonic()
    try:
        note, fault, is_minor = step(), "", False
    except (StorageError, Failed, OSError) as error:
        note, fault, is_minor = "", str(error) or type(error).__name__, isinstance(error, NoLink)
    return Verdict(what, (monotonic() - began) * 1000, fault, note, is_minor)


def _put(store: Store, key: str, content: bytes) -> str:
    async def once() -> AsyncIterator[bytes]:
        yield content

    async_to_sync(store.put)(key, once(), content_type="application/octet-stream", limit=SIZE)
    return f"{key}, {SIZE} bytes"


def _same(found: bytes, content: bytes) -> str:
    if found != content:
        raise Failed(f"{len(found)} bytes came back, and they are not those that were put")
    return ""


def _follow(link: str | None, content: bytes) -> str:
    if link is None:
        return "no links: clients are served by us"
    status, found = _asked("GET", link)
    if status != 200:
        raise Failed(f"the link's host answered {status}")
    parts = urlsplit(link)
    return _same(found, content) or f"by {parts.scheme}://{parts.netloc}"


def _give(link: str | None, content: bytes) -> str:
    """As a client would, by the link: first something else than was agreed on."""
    if link is None:
        return "no links: clients put at our own address"
    if _asked("PUT", link, content[1:])[0] == 200:
        raise Failed("the link took another length than it was made for")
    status, _ = _asked("PUT", link, content)
    if status != 200:
        raise Failed(f"the link's host answered {status}")
    return "no other length is taken"


def _asked(method: str, link: str, body: bytes | None = None) -> tuple[int, bytes]:
    parts = urlsplit(link)
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.netloc, timeout=20)
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _copy(store: Store, key: str, copy: str, content: bytes) -> str:
    store.copy(key, copy)
    return _same(b"".join(store.open(copy)), content)


def _delete(store: Store, *keys: str) -> str:
    store.delete(*keys)
    if any(store.size(key) is not None for key in keys):
        raise Failed("it is still there")
    return ""
