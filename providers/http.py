"""The one HTTP client for upstreams. It judges the wire, so that adapters never see aiohttp. No Django.

What failed before a byte of the request could go out (DNS, connect, TLS, no free connection) is NotSent. What failed later is
OutcomeUnknown for a paid call and Unavailable for any other. Every answer with a status that is no redirect is a Reply, for the
adapter to read. No error carries a header, an address or a body: they may hold secrets.

A paid call is sent once, over a connection of its own. (A GET that dies with a kept-alive connection is sent again by aiohttp.)
"""

import asyncio
import io
import logging
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver, ResolveResult

from .errors import NotSent, OutcomeUnknown, Unavailable, UpstreamError

log = logging.getLogger(__name__)

MAX_BYTES = 32 * 1024 * 1024  # of one answer; results come by URL and are fetched elsewhere
PATIENCE_S = 10.0  # for a free connection, DNS, connect and TLS together; never more than a quarter of a call's time
# The system's look-up of a name cannot be stopped, and while a name server is silent it holds its thread for half a minute. In the
# loop's own few threads such names would hold up all that the process does there: others' names, files, results.
LOOKUPS = 4  # threads of one provider: it has one host or two, and a name that is being looked up is waited for by all

# Most special first.
REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "its name does not resolve"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    (aiohttp.ClientSSLError, "TLS could not be agreed on"),
    (aiohttp.ConnectionTimeoutError, "no connection in time"),
    (aiohttp.ClientConnectorError, "the connection was refused"),
    (aiohttp.InvalidURL, "its address is not a URL"),
    (aiohttp.ClientPayloadError, "the answer was cut or cannot be decoded"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
    (aiohttp.ServerDisconnectedError, "the connection was cut before an answer"),
    (TimeoutError, "no answer in time"),
    (OSError, "the connection was cut"),
)


class _Unusable(Exception):
    """An answer that must not be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; with a `filename`, a file."""

    name: str
    value: str | bytes = field(repr=False)
    filename: str | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An upstream's answer; `headers` ignore case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    paid: bool = False

    def json(self) -> Any:
        """The body read as JSON; raises OutcomeUnknown (paid) or Unavailable where it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            pass
        raise _after_sending(self.paid, f"its answer of status {self.status} is not JSON")


@dataclass(slots=True)
class _Wire:
    """What is known of one call: whether a byte of the request may have gone out."""

    may_be_sent: bool = False


class Http:
    """Calls to one provider, at most `limit` open at once for paid calls and as many for others; made on any thread, used on one loop."""

    def __init__(self, name: str, *, limit: int = 100):
        self.name = name
        self._limit = limit
        self._lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix=f"names-{name}")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    def __repr__(self) -> str:
        return f"Http({self.name!r})"

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Sequence[Part] = (),
        data: Any = None,
        timeout: float,
        paid: bool = False,
    ) -> Reply:
        """One call, over within `timeout` seconds; raises NotSent, OutcomeUnknown (paid) or Unavailable, as the module says.

        Its body is `json`, a `form` (as multipart), or `data` as they are.
        """
        if paid and method != "POST":
            raise ValueError("A paid call is a POST: aiohttp sends a GET, PUT or DELETE again when its connection is cut.")
        if json is not None:
            data, headers = orjson.dumps(json), {"Content-Type": "application/json", **(headers or {})}
        if form:
            data = _multipart(form)
        wire = _Wire()
        try:
            return await self._call(method, url, headers=headers, data=data, timeout=timeout, paid=paid, wire=wire)
        except (aiohttp.ClientError, OSError, _Unusable) as fault:
            error = _judged(fault, may_be_sent=wire.may_be_sent, paid=paid)
            log.debug("%s: %s (%s)", self.name, error.message, type(fault).__name__)
        # Outside the handler: the library's error knows our headers and the URL, and would travel along as the context.
        raise error

    async def close(self) -> None:
        """Close every connection; to be awaited on the loop that used them."""
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def _call(self, method: str, url: str, *, headers: Any, data: Any, timeout: float, paid: bool, wire: _Wire) -> Reply:
        limits = aiohttp.ClientTimeout(total=timeout, connect=min(PATIENCE_S, timeout / 4))
        call = self._session(paid).request(
            method, url, headers=headers, data=data, timeout=limits, allow_redirects=False, trace_request_ctx=wire
        )
        async with call as response:
            if 300 <= response.status < 400:
                raise _Unusable(f"it answered with a redirect ({response.status}), and none is followed")
            return Reply(response.status, response.headers, await _body(response), paid)

    def _session(self, paid: bool) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # connections of a loop that has ended are of no use to the next
            self._loop, self._sessions = loop, {}
        if paid not in self._sessions:
            self._sessions[paid] = self._opened(paid)
        return self._sessions[paid]

    def _opened(self, paid: bool) -> aiohttp.ClientSession:
        # A kept-alive connection may be dead without our knowing; a paid call that dies with it would have an unknown outcome.
        connector = aiohttp.TCPConnector(limit=self._limit, force_close=paid, resolver=Names(self._lookups))
        return aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "Darkroom"}, trace_configs=[_watch()]
        )


class Names(AbstractResolver):
    """Asks the system for a name's addresses, in these threads."""

    def __init__(self, threads: Executor):
        self._threads = threads

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        ask = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except UnicodeError as error:  # a label of more than 63 letters
            raise OSError("this cannot be a name") from error
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=family, proto=proto, flags=socket.AI_NUMERICHOST)
            for family, _, proto, _, address in found
        ]

    async def close(self) -> None:
        """The threads are the provider's, and outlive a session."""


def _multipart(parts: Sequence[Part]) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for part in parts:
        # Bytes as a file, which goes out piece by piece: some megabytes of plain bytes would go in one write.
        value = io.BytesIO(part.value) if isinstance(part.value, bytes) else part.value
        form.add_field(part.name, value, filename=part.filename, content_type=part.content_type)
    return form


def _watch() -> aiohttp.TraceConfig:
    """Marks a call's _Wire when it gets a connection: from then on bytes may go out."""

    async def mark(session: Any, context: Any, params: Any) -> None:
        context.trace_request_ctx.may_be_sent = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(mark)
    trace.on_connection_reuseconn.append(mark)
    return trace


async def _body(response: aiohttp.ClientResponse) -> bytes:
    pieces, size = [], 0
    async for piece in response.content.iter_any():
        pieces.append(piece)
        if (size := size + len(piece)) > MAX_BYTES:
            raise _Unusable(f"its answer is longer than {MAX_BYTES // 1024 // 1024} MB")
    return b"".join(pieces)


def _judged(fault: Exception, *, may_be_sent: bool, paid: bool) -> UpstreamError:
    reason = str(fault) if isinstance(fault, _Unusable) else next((text for kind, text in REASONS if isinstance(fault, kind)), "")
    if may_be_sent:
        return _after_sending(paid, reason or "the connection failed")
    return NotSent(f"The upstream could not be reached: {reason or 'no connection'}.")


def _after_sending(paid: bool, reason: str) -> UpstreamError:
    if paid:
        return OutcomeUnknown(f"The request was sent, and it may have been bought: {reason}.")
    return Unavailable(f"The upstream gave no usable answer: {reason}.")
