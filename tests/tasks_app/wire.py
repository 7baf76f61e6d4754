"""A server on a real socket that answers each path with the bytes, or the behaviour, that a test gives it."""

import asyncio
from contextlib import asynccontextmanager


class Wire:
    """`wire.paths[path]` is bytes, or an async function that gets the writer; `asked` lists the paths, `heads` all of each."""

    def __init__(self, port: int, scheme: str):
        self.port, self.scheme, self.paths, self.asked, self.heads, self.connections = port, scheme, {}, [], [], 0

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode()
            self.asked.append(path)
            self.heads.append(head)
            behaviour = self.paths[path]
            writer.write(behaviour) if isinstance(behaviour, bytes) else await behaviour(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away, as some tests want it to
        finally:
            writer.close()


@asynccontextmanager
async def wire(settings, *, allowed: bool = True, tls=None):
    """A Wire that listens; `allowed` puts it into EGRESS_ALLOW."""
    made = Wire(0, "https" if tls else "http")
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    if allowed:
        settings.EGRESS_ALLOW = [*settings.EGRESS_ALLOW, f"127.0.0.1:{made.port}"]
    try:
        yield made
    finally:
        server.close()


def answer(body: bytes = b"", *, status: int = 200, length: int | None = None, **headers: str) -> bytes:
    """One HTTP answer, whole; `length` lies about the body's."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
