"""A server at an address of this machine, on a thread of its own: what every simulator stands on."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from typing import Self
from weakref import WeakSet

from aiohttp import web


class Server:
    """A context manager. `connections` counts those that sent a request; a simulator says how it answers."""

    host = "127.0.0.1"

    def __init__(self, *, port: int = 0):
        self.port, self.connections = port, 0
        self._sockets: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def wait_until(self, holds: Callable[[Self], bool], *, timeout: float = 10) -> None:
        """Return as soon as `holds(simulator)` does; asked again as each request comes and goes."""
        with self._changed:
            assert self._changed.wait_for(lambda: holds(self), timeout), f"not within {timeout} s; so far: {self.so_far()}"

    def so_far(self) -> str:
        """What happened here, for the message of a wait in vain."""
        return f"{self.connections} connections"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    def changed(self) -> None:
        """Those who wait look again."""
        with self._changed:
            self._changed.notify_all()

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._serve, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(10), "the simulator did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Drop every connection and listen no more; twice is fine."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    def _serve(self, started: threading.Event) -> None:
        asyncio.run(self.serve(started.set))

    async def serve(self, on_start: Callable[[], object]) -> None:
        """Serve until `__exit__` or cancellation; `self.port` is set when `on_start` is called."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner = web.ServerRunner(web.Server(self._handle, handler_cancellation=True), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, self.host, self.port, backlog=1024)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        on_start()
        try:
            await self._stop.wait()
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.transport not in self._sockets:
            self._sockets.add(request.transport)
            self.connections += 1
        self.changed()
        try:
            return await self.answer(request)
        finally:
            self.changed()


def reset(request: web.BaseRequest) -> web.Response:
    """Drop the connection with a TCP reset, so that the client sees an error and not an end."""
    request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.transport.abort()
    return web.Response()
