"""One follower for all streams of a process: it hears over one connection to Redis, and looks by one thread.

While it hears, it looks when a task of somebody who watches has moved, and every few seconds beside. Without Redis it looks every
second, and reads progress too. Between two looks it holds no connection to the database.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseFault
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from . import news
from .look import Eyes, Seen, Watched, and_close
from .watcher import Watcher

log = logging.getLogger(__name__)

HEARING_S, DEAF_S = 2.0, 1.0  # between two looks that nothing called for; who tells may find Redis too slow, and rests for 5 s
COALESCE_S = 0.1  # one look for all that moves within
REST_S = 2.0  # until Redis is tried again

Connect = Callable[[], Any]


def connect() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))


class Follower:
    """For one event loop. `connect` gives a Redis client, None where there is no Redis to hear."""

    def __init__(self, connect: Connect | None = None, *, hearing_s: float = HEARING_S, deaf_s: float = DEAF_S):
        self._connect, self._hearing_s, self._deaf_s = connect, hearing_s, deaf_s
        self._eyes, self._thread = Eyes(), ThreadPoolExecutor(1, "look")
        self._of_task: dict[UUID, set[Watcher]] = defaultdict(set)
        self._of_account: dict[int, set[Watcher]] = defaultdict(set)
        self._accounts: Counter[int] = Counter()  # how many watch tasks of each
        self._running: dict[UUID, tuple[int, float]] = {}  # of what is watched: the account, and how far it was told to be
        self._called, self._anyone, self._tasks = asyncio.Event(), asyncio.Event(), []
        self._is_blind = False
        self.floor = 0  # in the log: whoever watches now, and hears of all that comes, has missed nothing after it
        self.hears = asyncio.Event()

    def start(self) -> None:
        self._tasks.append(asyncio.create_task(self._keep_looking()))
        if self._connect:
            self._tasks.append(asyncio.create_task(self._keep_hearing()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.shutdown()

    async def add(self, watcher: Watcher) -> None:
        """What happens from now on comes to this watcher."""
        self._place(watcher).add(watcher)
        self._accounts[watcher.account_id] += 1
        self.floor = max(self.floor, await self._in_thread(self._eyes.open))
        self._anyone.set()

    def remove(self, watcher: Watcher) -> None:
        place = self._place(watcher)
        place.remove(watcher)
        self._accounts[watcher.account_id] -= 1
        self._accounts += Counter()  # without those of whom nobody watches any
        if not place:
            (self._of_account if watcher.task_id is None else self._of_task).pop(watcher.task_id or watcher.account_id)

    def is_running(self, task_id: UUID, account_id: int, share: float) -> None:
        """Somebody was told in the beginning that it is, and how far."""
        self._running.setdefault(task_id, (account_id, share))

    def _place(self, watcher: Watcher) -> set[Watcher]:
        return self._of_account[watcher.account_id] if watcher.task_id is None else self._of_task[watcher.task_id]

    def _watchers(self, account_id: int, task_id: UUID) -> list[Watcher]:
        return [*self._of_task.get(task_id, ()), *self._of_account.get(account_id, ())]

    async def _keep_looking(self) -> None:
        while True:
            await self._anyone.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._called.wait(), self._hearing_s if self.hears.is_set() else self._deaf_s)
            await asyncio.sleep(COALESCE_S)
            self._called.clear()
            await self._look()

    async def _look(self) -> None:
        if not (self._of_task or self._of_account):
            self._anyone.clear()
            self._running.clear()
            return await self._in_thread(self._eyes.close)
        try:
            self._tell(await self._in_thread(self._eyes.look, self._watched()))
            self._is_blind = False
        except DatabaseFault as fault:
            if not self._is_blind:
                log.warning("the database does not answer (%s): who watches tasks waits.", type(fault).__name__)
            self._is_blind = True
        except Exception:
            # A door: whatever went wrong, the next look must come, or every stream stands still.
            log.exception("a look at what is watched failed")
        return None

    def _watched(self) -> Watched:
        self._running = {id: told for id, told in self._running.items() if self._watchers(told[0], id)}
        running = frozenset() if self.hears.is_set() else frozenset(self._running)
        return Watched(frozenset(self._of_account), frozenset(self._of_task), running)

    def _tell(self, seen: Seen) -> None:
        self.floor = seen.floor
        for sight in seen.sights:
            task_id = sight.change.task_id
            if sight.change.status == "running":
                self.is_running(task_id, sight.account_id, 0.0)
            elif sight.change.id:
                self._running.pop(task_id, None)
            for watcher in self._watchers(sight.account_id, task_id):
                watcher.see(sight, seen.floor)
        for task_id, share in seen.progress.items():
            if task_id in self._running:
                self._progress(task_id, self._running[task_id][0], share)

    def _progress(self, task_id: UUID, account_id: int, share: float) -> None:
        """Tell it to those who watch, where it is new; what was overtaken by the task's end is not."""
        if task_id in self._running and self._running[task_id][1] != share:
            self._running[task_id] = account_id, share
            for watcher in self._watchers(account_id, task_id):
                watcher.hear(task_id, share)

    async def _keep_hearing(self) -> None:
        said = False
        while True:
            try:
                await self._hear()
            except news.AWAY as fault:
                if self.hears.is_set() or not said:  # say it once, not with every try
                    log.warning("Redis is away (%s): streams look at the database every %g s.", type(fault).__name__, self._deaf_s)
                said = True
            self.hears.clear()
            self._called.set()
            await asyncio.sleep(REST_S)

    async def _hear(self) -> None:
        async with self._connect() as client, client.pubsub() as channel:
            await channel.subscribe(news.CHANNEL)
            asked = False
            while True:
                message = await channel.get_message(timeout=self._hearing_s)
                if message is None:
                    if asked:
                        raise TimeoutError("Redis is silent")
                    await channel.ping()
                asked = message is None
                if message:
                    self._heard(message)

    def _heard(self, message: dict) -> None:
        if message["type"] == "subscribe":
            self.hears.set()
            self._called.set()  # what was told before this went unheard
        elif message["type"] == "message":
            heard = news.read(message["data"])
            if not heard.accounts.isdisjoint(self._accounts):
                self._called.set()
            for task_id, (account_id, share) in (heard.progress or {}).items():
                self._progress(task_id, account_id, share)

    async def _in_thread(self, work: Callable, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._thread, and_close, work, *args)
