"""The stream tier: all streams and waits that one process has open, on one event loop.

It is bounded: by streams of the process and of each account, by what waits for a client to read, and by how long a client may not read.
"""

import asyncio
import logging
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseFault
from django.http import StreamingHttpResponse

from .. import metrics
from ..engine.accept import Problem
from ..watch import beginning
from ..watch.follower import Follower, connect
from ..watch.look import and_close
from ..watch.watcher import Watcher
from . import problems, sse
from .prefer import Wait
from .stream import Opening

log = logging.getLogger(__name__)

THREADS = 4  # and so many connections to the database, while requests are answered
SENT_AT_ONCE = 8  # answers with pictures: while forty of 13 MB went out, the process grew by 21 MB
COME_AGAIN_MS = (500, 3000)  # spread, so that not all come at once
COME_AGAIN_S = 5

Write = Callable[[bytes], Awaitable[None]]


@dataclass(eq=False, slots=True)
class Open:
    """One open stream. `is_over`: its task is; `is_refused`: its caller may not have it any more."""

    opening: Opening
    watcher: Watcher
    is_over: bool = False
    is_refused: bool = False


class Tier:
    """`start()` on the loop that it serves, `end()` when it is told to stop, then `stop()`."""

    heartbeat_s = 15.0
    stalled_s = 30.0
    checked_every_s = 25.0  # a key that is remembered for 30 s is found to be revoked within a minute

    def __init__(self) -> None:
        self.sending = asyncio.Semaphore(SENT_AT_ONCE)
        self._threads = ThreadPoolExecutor(THREADS, "request")
        self._of_account: Counter[int] = Counter()
        self._waiting: set[Watcher] = set()
        self._streams: set[Open] = set()
        self._ends = False
        self._follower = Follower(connect if settings.REDIS_URL else None)

    async def start(self) -> None:
        self._follower.start()
        self._checks = asyncio.create_task(self._keep_checking())

    def end(self) -> None:
        """Let every stream and wait end, so that its client comes again; take none any more."""
        self._ends = True
        for watcher in [*(one.watcher for one in self._streams), *self._waiting]:
            watcher.wake()

    async def stop(self) -> None:
        self._checks.cancel()
        await self._follower.stop()
        self._threads.shutdown()

    async def in_thread(self, work: Callable, *args: Any) -> Any:
        """What touches the database is done beside the loop, and keeps no connection."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, and_close, work, *args)

    async def send(self, response: StreamingHttpResponse, gone: asyncio.Future, write: Write) -> None:
        """Write a body that is read as it goes; each piece is read when the one before has left."""
        pieces = iter(response)
        try:
            while not gone.done() and (piece := await self.in_thread(next, pieces, None)) is not None:
                await write(piece)
        finally:
            await self.in_thread(response.close)

    def refuse_beyond_bounds(self, account_id: int | None = None) -> None:
        """Raises a Problem where there is no room for one more stream, of this account or at all."""
        if self._ends or len(self._streams) + len(self._waiting) >= settings.STREAM_LIMIT:
            raise _later(problems.problem("unavailable", "Too many streams are open here; try again."))
        if account_id is not None and self._of_account[account_id] >= settings.STREAM_LIMIT_PER_ACCOUNT:
            most = settings.STREAM_LIMIT_PER_ACCOUNT
            raise _later(
                problems.problem("too_many_streams", f"The account has {most} streams open: close one, or use that of the account.")
            )

    @asynccontextmanager
    async def opened(self, opening: Opening, gone: asyncio.Future) -> AsyncIterator[Callable[[Write], Awaitable[None]]]:
        """Raises a Problem where it cannot be had; within, what is given streams it until its end."""
        self.refuse_beyond_bounds(opening.account_id)
        stream = Open(opening, Watcher(opening.account_id, opening.task_id))
        gone.add_done_callback(lambda _: stream.watcher.wake())
        self._streams.add(stream)
        try:
            async with self._watched(stream.watcher, "account" if opening.task_id is None else "task"):
                yield partial(self._stream, stream, await self._begin(stream), gone)
        finally:
            self._streams.discard(stream)

    async def wait(self, wait: Wait, gone: asyncio.Future) -> bool:
        """Wait for the end of a task, for as long as its client would; False where that cannot be done."""
        watcher = Watcher(wait.account_id, wait.task_id)
        gone.add_done_callback(lambda _: watcher.wake())
        try:
            self.refuse_beyond_bounds(wait.account_id)
            self._waiting.add(watcher)
            async with self._watched(watcher, "wait"):
                return await self._wait(watcher, wait, gone)
        except (Problem, DatabaseFault):
            return False
        finally:
            self._waiting.discard(watcher)

    async def _wait(self, watcher: Watcher, wait: Wait, gone: asyncio.Future) -> bool:
        clock = asyncio.get_running_loop().time
        ends_at = clock() + wait.seconds
        begun = await self.in_thread(beginning.of_task, wait.account_id, wait.task_id)
        is_over = begun is None or begun.is_over
        watcher.begin(begun.told_to if begun else 0)
        while not is_over and await watcher.something(ends_at - clock()):
            if self._ends or gone.done():
                return False
            is_over = any(sight.is_over for sight in watcher.take().sights)
        return True

    async def _begin(self, stream: Open) -> list[bytes]:
        """What is told first, once it stands fast that nothing after it is missed."""
        opening, watcher = stream.opening, stream.watcher
        floor = self._follower.floor  # before what stands there is read
        begun = await self.in_thread(opening.begin)
        if begun is None:
            raise problems.missing()
        watcher.begin(begun.told_to, begun.newest)
        for task_id, share in begun.running.items():
            self._follower.is_running(task_id, opening.account_id, share)
        stream.is_over = begun.is_over
        return [sse.of_account(begun, floor) if opening.task_id is None else sse.of_task(begun)]

    async def _stream(self, stream: Open, first: list[bytes], gone: asyncio.Future, write: Write) -> None:
        watcher, of_account = stream.watcher, stream.opening.task_id is None
        await write(first.pop())  # else it would be kept for as long as the stream
        while not stream.is_over:
            await watcher.something(self.heartbeat_s)
            if gone.done() or stream.is_refused:
                return
            if self._ends or watcher.is_behind:
                await write(sse.retry(random.randint(*COME_AGAIN_MS)))
                return
            told = watcher.take()
            await write(sse.told(told, of_account=of_account) or sse.HEARTBEAT)
            stream.is_over = not of_account and any(sight.is_over for sight in told.sights)

    @asynccontextmanager
    async def _watched(self, watcher: Watcher, kind: str) -> AsyncIterator[None]:
        self._of_account[watcher.account_id] += 1
        metrics.STREAMS.labels(kind).inc()
        try:
            await self._follower.add(watcher)
            try:
                yield
            finally:
                self._follower.remove(watcher)
        finally:
            metrics.STREAMS.labels(kind).dec()
            self._of_account[watcher.account_id] -= 1
            self._of_account += Counter()  # without those that have none

    async def _keep_checking(self) -> None:
        while True:
            await asyncio.sleep(self.checked_every_s)
            of_credential = defaultdict(list)
            for stream in self._streams:
                of_credential[stream.opening.credential].append(stream)
            for streams in of_credential.values():
                await self._check(streams)

    async def _check(self, streams: Iterable[Open]) -> None:
        """End these streams, of one caller, if he may not have them any more. A database that does not answer says nothing of that."""
        try:
            is_allowed = await self.in_thread(streams[0].opening.is_allowed)
        except Exception as fault:  # noqa: BLE001 a door: whatever went wrong, others are to be checked
            log.warning("whether a stream may go on could not be asked: %s", type(fault).__name__)
            return
        for stream in streams if not is_allowed else ():
            stream.is_refused = True
            stream.watcher.wake()


def _later(problem: Problem) -> Problem:
    problem.headers = {"Retry-After": str(COME_AGAIN_S)}
    return problem
