"""A server on a real socket that treats each connection as it is told: answers, hangs, cuts, babbles."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Connection = Callable[["Server", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """What arrived: how many connections, each request's head and body, and how many requests were open at once at most."""

    port: int = 0
    scheme: str = "http"
    connections: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def reads(self, reader: asyncio.StreamReader) -> None:
        """One request, head and body; raises IncompleteReadError at the end of the connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        self.requests.append((head, await reader.readexactly(length)))
        self.arrived.set()


@asynccontextmanager
async def listening(treat: Connection, *, tls: ssl.SSLContext | None = None):
    """A Server whose connections are each handed to `treat`."""
    server = Server(scheme="https" if tls else "http")

    async def connected(reader, writer):
        server.connections += 1
        try:
            await treat(server, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.go_on.set()
        listener.close()


def answers(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> Connection:
    """Every request on a connection is answered so, and the connection kept."""

    async def treat(server, reader, writer):
        while True:
            await server.reads(reader)
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    return treat


def answers_when_told(body: bytes = b"{}") -> Connection:
    """Requests wait, counted, until the test sets `go_on`."""

    async def treat(server, reader, writer):
        while True:
            await server.reads(reader)
            server.open += 1
            server.most_open = max(server.most_open, server.open)
            await server.go_on.wait()
            server.open -= 1
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return treat


def writes(*pieces: bytes, then: str = "cut") -> Connection:
    """After a request these bytes and no more: the connection is cut, or it hangs."""

    async def treat(server, reader, writer):
        await server.reads(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if then == "hang":
            await server.go_on.wait()

    return treat


async def cuts_at_once(server, reader, writer):
    """Gone before it has read a byte."""
    writer.transport.abort()


async def never_reads(server, reader, writer):
    """Takes the connection, and says and reads nothing: a TLS handshake that never goes on."""
    await server.go_on.wait()


def self_signed(folder) -> ssl.SSLContext:
    """TLS for 127.0.0.1 with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), today, today + timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.pem").write_bytes(certificate + secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context
