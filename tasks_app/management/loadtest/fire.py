"""Sends a plan's requests by one event loop, over connections that are kept."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
import orjson

from .calls import Caller, Request
from .plan import Plan, Unfit
from .seen import Seen

PATIENCE_S = 30
# More than this many connections bring a server no more load. What waits here for a free one is late all the same, and counts as that.
MOST_CONNECTIONS = 500
KEPT_S = 3  # idle; the web tier ends its own after 5 s, and a request must not meet that end
TELL_S = 0.5

NOT_OURS = (ValueError, LookupError, TypeError)  # what reading something else raises
# What broke, most specific first. A read over a kept connection that ended is sent once more by aiohttp, as HTTP lets clients do.
KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    (TimeoutError, "no answer in time"),
    (aiohttp.ClientConnectorCertificateError, "certificate refused"),
    (aiohttp.ClientConnectorSSLError, "TLS failed"),
    (aiohttp.ClientConnectorError, "not connected"),
    (aiohttp.ClientPayloadError, "answer cut"),
    (aiohttp.ServerDisconnectedError, "connection cut"),
    (OSError, "connection cut"),
    (aiohttp.ClientError, "broken answer"),
    (NOT_OURS, "unreadable answer"),
)


def fire(plan: Plan, keys: Sequence[str], tell: Callable[[Seen, float], None]) -> dict[str, Any]:
    """Carry the plan out and return what was measured; `tell` hears of it as it goes. Ctrl-C ends it early, with what there is."""
    return asyncio.run(_fire(plan, keys, tell))


async def _fire(plan: Plan, keys: Sequence[str], tell: Callable[[Seen, float], None]) -> dict[str, Any]:
    connector = aiohttp.TCPConnector(limit=plan.clients or MOST_CONNECTIONS, keepalive_timeout=KEPT_S)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(plan.url, connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
        caller = Caller(plan, keys)
        await _prepare(session, caller, plan, keys)
        return await Fire(plan, session, caller).run(tell)


async def _prepare(session: aiohttp.ClientSession, caller: Caller, plan: Plan, keys: Sequence[str]) -> None:
    """See that each key is good, and that there is a task to read; raises Unfit."""
    for key in keys:
        await _ask(session, caller, caller.request("list", key))
    if "get" in plan.mix and not caller.has_tasks:
        await _ask(session, caller, caller.request("accept", keys[0]))


async def _ask(session: aiohttp.ClientSession, caller: Caller, request: Request) -> None:
    try:
        status, body = await _exchange(session, request)
        if status >= 300:
            raise Unfit(f"{request.method} {request.path} before the load was answered {_refusal(status, body)}.")
        caller.learn(request, body)
    except (aiohttp.ClientError, OSError, *NOT_OURS) as fault:
        raise Unfit(f"{request.method} {request.path} before the load: {_kind(fault)} ({fault}).") from None


class Fire:
    """One run."""

    def __init__(self, plan: Plan, session: aiohttp.ClientSession, caller: Caller):
        self._plan, self._session, self._caller = plan, session, caller
        self._loop = asyncio.get_running_loop()
        self._is_over = False
        self._open: set[asyncio.Task] = set()

    async def run(self, tell: Callable[[Seen, float], None]) -> dict[str, Any]:
        self._loop.add_signal_handler(signal.SIGINT, self._end)
        self.seen, self._began, cpu = Seen(self._plan), self._loop.time(), time.thread_time()
        telling = asyncio.create_task(self._tell(tell))
        await (self._open_loop() if self._plan.is_open else self._closed_loop())
        lasted_s = self._loop.time() - self._began
        await asyncio.gather(*self._open)
        telling.cancel()
        tell(self.seen, self._plan.seconds)
        return self.seen.told(lasted_s=lasted_s, cpu_s=time.thread_time() - cpu)

    async def _open_loop(self) -> None:
        """Each request when it is due, whatever became of those before."""
        for number in range(self._plan.most):
            due_s = min(self._plan.due_s(number), self._plan.seconds)
            # To sleep for no time lets answers in, where this client itself is late.
            await asyncio.sleep(max(0.0, due_s - self._now_s()))
            if self._is_over or due_s == self._plan.seconds:
                return
            sending = asyncio.create_task(self._one(due_s))
            self._open.add(sending)
            sending.add_done_callback(self._open.discard)

    async def _closed_loop(self) -> None:
        await asyncio.gather(*(self._client(number) for number in range(self._plan.clients)))

    async def _client(self, number: int) -> None:
        """Ask, wait for the answer, ask again."""
        await asyncio.sleep(self._plan.joins_s(number))
        while not self._is_over and self.seen.sent < self._plan.most and (now_s := self._now_s()) < self._plan.seconds:
            await self._one(now_s)

    async def _one(self, due_s: float) -> None:
        self.seen.sends(self._now_s() - due_s)
        request = self._caller.next()
        error = ""
        try:
            status, body = await _exchange(self._session, request)
            if status >= 300:
                error = _refusal(status, body)
            else:
                self._caller.learn(request, body)
        except (aiohttp.ClientError, OSError, *NOT_OURS) as fault:
            error = _kind(fault)
        self.seen.ended(request.name, due_s=due_s, took_s=self._now_s() - due_s, error=error)

    async def _tell(self, tell: Callable[[Seen, float], None]) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            tell(self.seen, self._now_s())

    def _now_s(self) -> float:
        return self._loop.time() - self._began

    def _end(self) -> None:
        self._is_over = True


async def _exchange(session: aiohttp.ClientSession, request: Request) -> tuple[int, bytes]:
    headers = {"Authorization": f"Bearer {request.key}"}
    if request.body:
        headers["Content-Type"] = "application/json"
    # A redirect is no success, and may lead to another machine.
    async with session.request(request.method, request.path, data=request.body, headers=headers, allow_redirects=False) as answer:
        return answer.status, await answer.read()


def _refusal(status: int, body: bytes) -> str:
    """The status and, where the answer is a problem of ours, its code."""
    try:
        return f"{status} {orjson.loads(body)['code']}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"{status}"


def _kind(fault: BaseException) -> str:
    return next(kind for known, kind in KINDS if isinstance(fault, known))
