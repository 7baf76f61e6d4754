"""A wire to MariaDB that breaks at COMMIT: before the server has seen it, or when it has committed and its answer is on the way."""

import asyncio
from collections import Counter
from contextlib import suppress
from random import Random

from .apart import Apart

COMMIT = b"\x07\x00\x00\x00\x03COMMIT"  # a packet of 7 bytes: "query", COMMIT
PIECE = 65536


class Between(Apart):
    """Listens on `port`. `share` of the commits break, half of them before and half after; `cuts` counts them so.

    `askers`: the client ports of all that ever connected.
    """

    def __init__(self, to: int):
        self._to, self._dice = to, Random(1)
        self.share, self.cuts = 0.0, Counter()
        self.askers: set[str] = set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.askers.add(str(writer.get_extra_info("peername")[1]))
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            one = Carried(self, reader, writer, there, back)
            await asyncio.gather(one.asks(), one.answers())

    def throw(self) -> str:
        """What becomes of this commit: before, after, or nothing."""
        how = "" if self._dice.random() > self.share else self._dice.choice(("before", "after"))
        if how:
            self.cuts[how] += 1
        return how


class Carried:
    """One connection."""

    def __init__(self, between: Between, *ends):
        self._between, (self._asker, self._back, self._server, self._forth) = between, ends
        self._ends_with_next = False

    async def asks(self) -> None:
        with suppress(OSError):
            while piece := await self._asker.read(PIECE):
                how = self._between.throw() if piece == COMMIT else ""
                if how == "before":
                    break
                self._ends_with_next = how == "after"
                self._forth.write(piece)
                await self._forth.drain()
        if not self._ends_with_next:
            self.cut()

    async def answers(self) -> None:
        with suppress(OSError):
            while piece := await self._server.read(PIECE):
                if self._ends_with_next:
                    break
                self._back.write(piece)
                await self._back.drain()
        self.cut()

    def cut(self) -> None:
        self._back.transport.abort()
        self._forth.transport.abort()
