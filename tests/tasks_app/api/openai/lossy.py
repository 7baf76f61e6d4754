"""A proxy that loses things: what a client sends through it arrives, and the answer does not; or the request itself arrives late."""

import asyncio

import aiohttp
from aiohttp import web

from tests.upstreams.server import Server, reset

HOP = {"connection", "host", "content-length", "transfer-encoding", "keep-alive"}


class Lossy(Server):
    """Stands before the server at `target`. `passed` counts the requests that arrived there."""

    def __init__(self, target: str):
        super().__init__()
        self.target, self.passed = target, 0
        self._losing, self._holding = 0, 0
        self._held: list[asyncio.Event] = []
        self._late: list[asyncio.Future] = []

    def loses(self, answers: int) -> None:
        """The next POSTs arrive, and their connections are cut instead of answered."""
        self._losing = answers

    def holds(self, requests: int) -> None:
        """The next POSTs' connections are cut at once, and they arrive only when they are let go."""
        self._holding = requests

    def lets_go(self) -> None:
        for event in self._held:
            self._loop.call_soon_threadsafe(event.set)

    def so_far(self) -> str:
        return f"{self.passed} requests passed"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        if request.method == "POST" and self._holding:
            self._holding -= 1
            event = asyncio.Event()
            self._held.append(event)
            self._late.append(asyncio.ensure_future(self._forward_later(request, body, event)))
            return reset(request)
        answer = await self._forward(request, body)
        if request.method == "POST" and self._losing:
            self._losing -= 1
            return reset(request)
        return answer

    async def _forward_later(self, request: web.BaseRequest, body: bytes, event: asyncio.Event) -> None:
        await event.wait()
        await self._forward(request, body)

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, self.target + request.path_qs, data=body, headers=headers) as got,
        ):
            answer = web.Response(
                status=got.status,
                body=await got.read(),
                headers={name: value for name, value in got.headers.items() if name.lower() not in HOP},
            )
        self.passed += 1
        self.changed()
        return answer
