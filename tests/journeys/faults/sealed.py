"""TLS before an upstream: certificates of an authority that the workers trust, and of others; handshakes that are cut, and that hang."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .apart import Apart

HOST = "127.0.0.1"
CERTIFICATES = ("good", "expired", "self-signed", "another host's")
TREATMENTS = (*CERTIFICATES[1:], "cut", "hang")  # what is no good
HANGS_S = 30.0


class Sealed(Apart):
    """A door of TLS that leads to `port`. `treats` says how each next connection is met, in turn, over and over; `met` counts them.

    `authority` is the file of the only one who may vouch for hosts, for SSL_CERT_FILE.
    """

    def __init__(self, folder: Path, port: int):
        self.authority, self._contexts = _issued(folder)
        self._to = port
        self.behave()
        self.met: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def behave(self) -> None:
        self.treats: Sequence[str] = ("good",)

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        how = self.treats[self.met.total() % len(self.treats)]
        self.met[how] += 1
        try:
            if how == "hang":
                await asyncio.sleep(HANGS_S)
            elif how == "cut":
                await reader.read(1)
            else:
                await writer.start_tls(self._contexts[how])
                await self._lead(reader, writer)
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            pass  # the client has gone, as it should where the certificate is no good; or this is the end
        finally:
            writer.transport.abort() if how == "cut" else writer.close()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, self._to)
        async with asyncio.TaskGroup() as both:
            both.create_task(_copied(reader, back))
            both.create_task(_copied(there, writer))


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, ssl.SSLError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


def _issued(folder: Path) -> tuple[Path, dict[str, ssl.SSLContext]]:
    """The authority's certificate as a file, and a context for each of CERTIFICATES."""
    now, day = datetime.now(UTC), timedelta(days=1)
    authority, name = ec.generate_private_key(ec.SECP256R1()), _named("the authority of the stage")
    root = _certificate(name, name, authority.public_key(), authority, now - day, now + day, None)
    place = folder / "authority.pem"
    place.write_bytes(root)
    contexts = {}
    for which in CERTIFICATES:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = (_named(HOST), key) if which == "self-signed" else (name, authority)
        ends_at = now - day / 2 if which == "expired" else now + day
        host = "192.0.2.1" if which == "another host's" else HOST
        made = _certificate(_named(host), issuer, key.public_key(), signer, now - day, ends_at, host)
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / "server.pem").write_bytes(made + secret)
        contexts[which] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[which].load_cert_chain(folder / "server.pem")
    return place, contexts


def _certificate(subject, issuer, key, signer, begins_at: datetime, ends_at: datetime, host: str | None) -> bytes:
    """`host` None: an authority's."""
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number(), begins_at, ends_at)
    builder = builder.add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
    if host:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
