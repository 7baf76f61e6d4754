"""A server that answers all that a load test asks, as it is told to; and once, everybody who comes has to wait."""

import asyncio
from collections import Counter, deque

from aiohttp import web

from tests.upstreams.server import Server, reset

STALL_S, PATIENCE_S = 1.0, 20.0


class Stalling(Server):
    """`stalls_at`: the request that begins the stall, None for none; it ends after STALL_S or, where told, with the request that makes
    `until` wait at once. `answers`: what the next ones get; "cut" drops the connection.
    """

    def __init__(self, *, stalls_at: int | None = None, until: int | None = None):
        super().__init__()
        self.asked: Counter[str] = Counter()
        self.answers: deque[web.Response | str] = deque()
        self.is_good = lambda key: True
        self._stalls_at, self._until, self._waiting = stalls_at, until, 0
        self._goes_on = asyncio.Event()
        self._goes_on.set()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked[f"{request.method} {request.path}"] += 1
        if self.asked.total() == self._stalls_at:
            self._goes_on.clear()
            self._loop.call_later(PATIENCE_S if self._until else STALL_S, self._goes_on.set)
        self._waiting += not self._goes_on.is_set()
        if self._waiting == self._until:
            self._goes_on.set()
        await self._goes_on.wait()
        if not self.is_good(request.headers["Authorization"].removeprefix("Bearer ")):
            return web.json_response({"code": "unauthenticated"}, status=401)
        # Lists are asked for before the load too, to see that each key is good; they are answered whatever was ordered.
        is_list = request.method == "GET" and request.path == "/api/v1/tasks"
        told = self.answers.popleft() if self.answers and not is_list else ""
        if told == "cut":
            return reset(request)
        return told or web.json_response({"id": f"task_{self.asked.total()}", "data": []})
