"""Exchanges: what went to an upstream and what came back, for the operator who asks why. No Django.

An adapter calls through Overheard. While a Witness listens, it has the last of those calls as it went over the wire, credentials and all;
so that stays in memory, and what may be kept is a Record of it, which redaction.py has been over. A record is made only where one is
wanted: most answers say that a job runs on.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from .http import Http, Part, Reply
from .redaction import READ_WHOLE, Redactor

log = logging.getLogger(__name__)

_listening: ContextVar["Witness | None"] = ContextVar("witness", default=None)


@dataclass(frozen=True, slots=True)
class Record:
    """A call and its answer as texts without secrets: `METHOD address` and the body; `HTTP status` and the body, empty where none came."""

    request: str
    answer: str


@dataclass(frozen=True, slots=True)
class _Exchange:
    method: str
    url: str
    body: Any  # JSON, or bytes
    secrets: tuple[str, ...]
    status: int = 0  # no answer
    answer: bytes = b""  # its beginning
    size: int = 0  # of all of it


@dataclass(slots=True)
class Witness:
    """Has the last of the calls that are made while it listens."""

    _last: _Exchange | None = field(default=None, repr=False)

    @contextmanager
    def listening(self) -> Iterator[None]:
        token = _listening.set(self)
        try:
            yield
        finally:
            _listening.reset(token)

    def record(self) -> Record | None:
        """The last call, to be written down; None where there was none."""
        try:
            return _recorded(self._last) if self._last else None
        except Exception as fault:  # noqa: BLE001 a door to a stranger's bytes: whatever they are, the call's outcome must be written down
            log.error("a call could not be recorded: %s", type(fault).__name__)
            return None


class Overheard:
    """The HTTP client as one adapter has it, with the adapter's credentials: in no record of its calls they are to be read."""

    def __init__(self, http: Http, secrets: Iterable[str]):
        self._http, self._secrets = http, tuple(secrets)

    async def request(self, method: str, url: str, **more: Any) -> Reply:
        """As Http.request."""
        witness = _listening.get()
        if witness is None:
            return await self._http.request(method, url, **more)
        heard = witness._last = _Exchange(method, url, _body(**more), self._secrets)
        reply = await self._http.request(method, url, **more)
        witness._last = replace(heard, status=reply.status, answer=reply.body[:READ_WHOLE], size=len(reply.body))
        return reply


def _body(*, json: Any = None, form: Sequence[Part] = (), data: Any = None, **_: Any) -> Any:
    if form:
        return [{part.name: _value(part)} for part in form]
    return data if json is None else json


def _value(part: Part) -> str:
    about = filter(None, (part.filename, part.content_type, f"{len(part.value):,} bytes"))
    return ", ".join(about) if isinstance(part.value, bytes) else part.value


def _recorded(exchange: _Exchange) -> Record:
    redactor = Redactor(exchange.secrets)
    line = f"{exchange.method} {redactor.address(exchange.url)}"
    body = "" if exchange.body is None else redactor.body(exchange.body)
    if not exchange.status:
        return Record(_headed(line, body), "")
    return Record(_headed(line, body), _headed(f"HTTP {exchange.status}", redactor.body(exchange.answer, exchange.size)))


def _headed(line: str, body: str) -> str:
    return f"{line}\n\n{body}".rstrip()
