"""The upstreams of the stage: each a moment's travel away, and with books of who bought what.

plasma   honours our token; every task that it takes must succeed
grit     knows no token: a submit whose answer is lost is never sent again
mute     speaks grit's protocol while it speaks; its adapter waits for 20 s

And two that are no upstreams: an album of a customer's pictures, and the customers' own servers that take webhooks.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.upstreams import Grit, Plasma, Receiver
from tests.upstreams.jobs import UpstreamJob, png
from tests.upstreams.server import Server
from tests.upstreams.simulator import Simulator

TRAVEL_S = (0.05, 0.4)  # there, and as long back: so that a killed worker always has calls open, before an accept and after


class Far(Simulator):
    """`customers`: job id → the prompt it was bought with. A `silent` one takes nothing and answers nothing.

    `travel_s`: from and up to how many seconds a request is on its way there, and its answer back.
    """

    def __init__(self) -> None:
        super().__init__(seconds=1.0)
        self.customers: dict[str, str] = {}
        self.silent, self.travel_s = False, TRAVEL_S
        self._dice = random.Random(1)

    def bought_by(self) -> Counter[str]:
        """Jobs by the prompt they were bought with."""
        return Counter(dict(self.customers).values())

    def behave(self) -> None:
        super().behave()
        self.silent, self.travel_s = False, TRAVEL_S

    async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
        await self._travel()
        while self.silent:
            await asyncio.sleep(0.2)
        return await super()._obey(request)

    async def _answer(self, *args: Any) -> web.StreamResponse:
        await self._travel()
        return await super()._answer(*args)

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.customers[job.id] = body.get("prompt") or body["text"]
        return job

    async def _travel(self) -> None:
        await asyncio.sleep(self._dice.uniform(*self.travel_s))


class FarPlasma(Far, Plasma):
    pass


class FarGrit(Far, Grit):
    pass


ALL: dict[str, type[Far]] = {"plasma": FarPlasma, "grit": FarGrit, "mute": FarGrit}


class Album(Server):
    """Pictures behind `url`, which come byte by byte until it `is_open`, and then whole; `waiting` are on their way. And redirects."""

    def __init__(self) -> None:
        super().__init__()
        self.is_open, self.waiting = True, 0

    def behave(self) -> None:
        self.is_open = True

    def redirecting(self, to: str) -> str:
        """A URL here that leads there."""
        return f"{self.url}/to/{to.encode().hex()}"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/to/"):
            return web.Response(status=302, headers={"Location": _latin(bytes.fromhex(request.path.removeprefix("/to/")))})
        left = png(7)
        response = web.StreamResponse(headers={"Content-Type": "image/png", "Content-Length": str(len(left))})
        await response.prepare(request)
        self.waiting += 1
        try:
            while not self.is_open:
                await response.write(left[:1])
                left = left[1:]
                await asyncio.sleep(0.5)
        finally:
            self.waiting -= 1
        await response.write(left)
        return response


def _latin(location: bytes) -> str:
    """As bytes go through a header: any of them but those that end it."""
    return location.decode(errors="replace").replace("\n", "").replace("\r", "")


class Customers(Receiver):
    """`arrived`: when each of `got` came, in Unix seconds. At paths that begin with /slow an answer takes `slow_s`."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[float] = []
        self.slow_s = 2.0

    def behave(self) -> None:
        self._always.clear()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.arrived.append(time.time())
        if request.path.startswith("/slow"):
            await asyncio.sleep(self.slow_s)
        return await super().answer(request)
