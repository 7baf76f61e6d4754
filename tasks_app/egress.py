"""Which hosts may we fetch from and send to, and how much, and for how long?

https on port 443 at public addresses, without user or password in the URL; and the exact host:port pairs of EGRESS_ALLOW, which are
the operator's word. The address that is connected to is the address that was checked, because the connector's own resolver
does the checking: a name that answers differently a moment later gains nothing. Redirects are followed by hand, each like a new URL,
where we fetch; where we send, they are not. A key that a fetch shows stays with the host that it is for.

Errors: Invalid, where asking again cannot help; NotSent and Unavailable, where it may. Their messages name no address.
"""

import asyncio
import os
import re
import socket
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from django.conf import settings
from yarl import URL

from providers.errors import Invalid, NotSent, RateLimited, Unavailable
from providers.http import Names

REDIRECTS = 3
LONGEST_URL = 4096
PIECE = 256 * 1024
UNREADABLE = (ValueError, IndexError)  # 2026-11, yarl 1.25: IndexError for https://[]@
SLOWEST = 1_000_000  # bytes a second; a server that drips for ever must not hold a place for ever
ANSWER_WITHIN = 2.0  # seconds after the status in which an answer's body must come to be kept
# What a name server that is silent holds up: names of hosts that strangers choose.
LOOKUPS = ThreadPoolExecutor(64, "egress-names")

# IANA's special-purpose registries, written out because the ipaddress module's answers differ between Python versions.
CLOSED_V4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
# All public IPv6 lies in 2000::/3. What carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo) is outside it or closed here.
OPEN_V6 = ip_network("2000::/3")
CLOSED_V6 = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
CLOSED = [ip_network(text) for text in (*CLOSED_V4, *CLOSED_V6)]


class Timeouts(NamedTuple):
    """Seconds to connect, between two pieces, and in all."""

    connect: float
    idle: float
    total: float


class Fetched(NamedTuple):
    """What the server calls it (empty: it does not say), and the bytes as they come."""

    content_type: str
    chunks: AsyncIterator[bytes]


class Answered(NamedTuple):
    """A server's answer to what was sent: any status, and the beginning of its body. `headers` ignore case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def check(url: str | URL) -> URL:
    """The URL as it will be asked for; raises Invalid where it is plain without asking anyone that we may not."""
    try:
        parsed = URL(url)
        host = parsed.raw_host
    except UNREADABLE:
        raise Invalid("the URL cannot be read") from None
    if not host or parsed.scheme not in ("https", "http") or len(str(parsed)) > LONGEST_URL:
        raise Invalid("the URL must be an https URL")
    if parsed.raw_user is not None or parsed.raw_password is not None:
        raise Invalid("the URL must not carry a user or a password")
    if is_allowed(host, parsed.port):
        return parsed
    if parsed.scheme != "https":
        raise Invalid("the URL must be an https URL")
    if parsed.port != 443:
        raise Invalid("the URL must not name a port other than 443")
    _check_host(host)
    return parsed


def is_allowed(host: str, port: int | None) -> bool:
    """Whether the operator has named this very host and port."""
    return f"{host}:{port}" in settings.EGRESS_ALLOW


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet and to no one else's inside."""
    ip = ip_address(address.partition("%")[0])  # without the zone of a link-local address
    return (ip.version == 4 or ip in OPEN_V6) and not any(ip in closed for closed in CLOSED)


@asynccontextmanager
async def fetch(
    url: str, *, limit: int, timeouts: Timeouts | None = None, headers: Mapping[str, str] | None = None
) -> AsyncIterator[Fetched]:
    """`async with fetch(url, limit=…) as (content_type, chunks)`: at most `limit` bytes, or Invalid.

    `headers` show a key, to nobody but the server of this very URL: a redirect to another is followed without them. That
    a key is refused proves nothing about the file, so it is Unavailable.
    """
    async with _session(timeouts or Timeouts(connect=5, idle=30, total=60 + limit / SLOWEST)) as session:
        response = await _followed(session, check(url), headers)
        try:
            _judge(response, limit, is_keyed=bool(headers))
            yield Fetched(response.headers.get("Content-Type", ""), _chunks(response, limit))
        finally:
            response.close()


async def post(url: str, body: bytes, headers: Mapping[str, str], *, keep: int, timeouts: Timeouts) -> Answered:
    """Send `body` once. Whatever status comes is the answer, a redirect too: none is followed. At most `keep` bytes of its body are read.

    The status alone is waited for; a body that drips costs at most ANSWER_WITHIN.
    """
    async with _session(timeouts) as session:
        with _judging():
            response = await session.post(check(url), data=body, headers=headers, allow_redirects=False)
        try:
            return Answered(response.status, response.headers, await _beginning(response, keep))
        finally:
            response.close()


@asynccontextmanager
async def local_result(url: str) -> AsyncIterator[Fetched]:
    """As `fetch`, for what our own functions made: a `file:` URL below FUNCTIONS_DIR."""
    with open_result(url, settings.FUNCTIONS_DIR) as file:
        yield Fetched("", _pieces(file))


def open_result(url: str, folder: Path) -> BinaryIO:
    """Open the file that a `file:` URL names, wherever links lead, if that is a plain file below `folder`; raises Invalid."""
    parts = urlsplit(url)
    try:
        path = Path(unquote(parts.path)).resolve(strict=True)
        if parts.netloc or not path.is_relative_to(folder.resolve()):
            raise Invalid("the result lies outside the functions' folder")
        # Not through a link laid since, and without waiting for the other end of a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        raise Invalid("the result is not there") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Invalid("the result is not a plain file")
    return os.fdopen(handle, "rb")


class PublicResolver(AbstractResolver):
    """Resolves names for the connector, and gives it public addresses only."""

    def __init__(self, resolver: AbstractResolver):
        self._resolver = resolver

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        # One inner address among public ones is enough to refuse: nobody publishes such a name by accident.
        if not is_allowed(host, port) and not all(is_public(one["host"]) for one in found):
            raise Invalid("the URL leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _check_host(host: str) -> None:
    try:
        is_inside = not is_public(host)
    except ValueError:
        # No name ends in a number; 0177.0.0.1, 0x7f.1 and 2130706433 are addresses in disguise.
        is_inside = re.fullmatch(r"\d+|0x[0-9a-f]*", host.rstrip(".").split(".")[-1], re.IGNORECASE) is not None
    if is_inside:
        raise Invalid("the URL leads to an address that is not public")


def _session(timeouts: Timeouts) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=PublicResolver(Names(LOOKUPS)), use_dns_cache=False, force_close=True),
        timeout=aiohttp.ClientTimeout(total=timeouts.total, sock_connect=timeouts.connect, sock_read=timeouts.idle),
        headers={"User-Agent": "Darkroom", "Accept-Encoding": "identity"},
        auto_decompress=False,  # a compressed body is refused, before a byte of it is blown up
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def _followed(session: aiohttp.ClientSession, url: URL, headers: Mapping[str, str] | None = None) -> aiohttp.ClientResponse:
    keyed = url.origin()
    for _ in range(REDIRECTS + 1):
        with _judging():
            response = await session.get(url, allow_redirects=False, headers=headers if url.origin() == keyed else None)
        if response.status not in (301, 302, 303, 307, 308):
            return response
        response.close()
        url = check(_target(url, response.headers.get("Location", "")))
    raise Invalid(f"the URL redirects more than {REDIRECTS} times")


def _target(url: URL, location: str) -> URL:
    try:
        return url.join(URL(location))
    except UNREADABLE:
        raise Invalid("the URL redirects to one that cannot be read") from None


def _judge(response: aiohttp.ClientResponse, limit: int, *, is_keyed: bool) -> None:
    status = response.status
    if is_keyed and status in (401, 403):
        raise Unavailable(f"the server of the URL refused our key with {status}")
    if status == 429:
        raise RateLimited("the server of the URL is busy")
    if status >= 500 or status in (408, 425):
        raise Unavailable(f"the server of the URL answered {status}")
    if status != 200:
        raise Invalid(f"the URL cannot be fetched: its server answered {status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Invalid("the URL cannot be fetched: its server compresses what should be the plain file")
    if (response.content_length or 0) > limit:
        raise Invalid(f"the file at the URL is larger than {limit} bytes")


async def _chunks(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    total = 0
    while True:
        with _judging():
            chunk = await response.content.readany()
        if not chunk:
            return
        total += len(chunk)
        if total > limit:
            raise Invalid(f"the file at the URL is larger than {limit} bytes")
        yield chunk


async def _beginning(response: aiohttp.ClientResponse, most: int) -> bytes:
    """What of the body comes in time, up to `most` bytes: its status said already what we need to know."""
    body = bytearray()
    with suppress(aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(ANSWER_WITHIN):
            while len(body) < most and (piece := await response.content.readany()):
                body += piece
    return bytes(body[:most])


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece


@contextmanager
def _judging() -> Iterator[None]:
    """The one map from the HTTP client's errors to ours."""
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise Invalid("the URL cannot be read") from error
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
        raise NotSent("the server of the URL cannot be reached") from error
    except TimeoutError as error:
        raise Unavailable("the server of the URL did not answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable("the server of the URL broke off") from error
