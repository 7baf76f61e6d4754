"""A customer's server that takes webhooks: keeps all that it got, and answers 204 until it is told otherwise.

with Receiver() as receiver:
    receiver.will(answer(500), redirect("/elsewhere"))   # the next two requests, to whatever path
    receiver.always(hang(), at="/dead")                  # each request to that path
    …
    assert [one.path for one in receiver.got] == ["/hooks"]
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from .orders import Answer, Break
from .server import Server, reset

DRIP_S = 0.05


@dataclass(frozen=True, slots=True)
class Got:
    """One request as it came; `headers` in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer this, whole."""

    status: int
    body: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """Answer these very bytes, then hang up."""

    text: bytes


Order = Reply | Raw | Answer | Break


def raw(text: bytes) -> Order:
    return Raw(text)


def reply(status: int, body: str = "") -> Order:
    return Reply(status, body)


def redirect(location: str, status: int = 302) -> Order:
    return Reply(status, location=location)


def drip() -> Order:
    """Answer 200 at once, then one byte at a time without end."""
    return Break("drip")


class Receiver(Server):
    """`got` has every request, in the order they came, hanging ones too; `open` counts those not answered yet, `most_open` at most."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Got] = []
        self.open = self.most_open = 0
        self._next: deque[Order] = deque()
        self._always: dict[str, Order] = {}
        self._let_go = asyncio.Event()

    def will(self, *orders: Order, times: int = 1) -> None:
        """Obey these at the next requests, one a request."""
        self._next.extend(orders * times)

    def always(self, order: Order | None, *, at: str) -> None:
        """Obey this at every request to that path; None: behave again."""
        if order is None:
            self._always.pop(at)
        else:
            self._always[at] = order

    def let_go(self) -> None:
        """Cut what hangs, now and from now on."""
        self._loop.call_soon_threadsafe(self._let_go.set)

    def at(self, path: str) -> list[Got]:
        return [one for one in self.got if one.path == path]

    def so_far(self) -> str:
        return f"{len(self.got)} requests"

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path, headers, await request.read()))
        order = self._always.get(request.path) or (self._next.popleft() if self._next else Reply(204))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self.changed()
        try:
            return await self._obey(request, order)
        finally:
            self.open -= 1

    async def _obey(self, request: web.BaseRequest, order: Order) -> web.StreamResponse:
        match order:
            case Answer(status, retry_after):
                return web.Response(status=status, headers={"Retry-After": f"{retry_after:g}"} if retry_after is not None else {})
            case Reply(status, body, location):
                return web.Response(status=status, text=body, headers={"Location": location} if location else {})
            case Raw(text):
                request.transport.write(text)
                request.transport.close()
                return web.Response()
            case Break("drip"):
                return await _dripping(request)
            case Break("hang"):
                await self._let_go.wait()
        return reset(request)


async def _dripping(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(DRIP_S)
