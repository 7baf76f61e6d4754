"""What the simulated upstreams share: doors, orders, books. A dialect says how its protocol reads and writes."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

import aiohttp
from aiohttp import web

from .jobs import UpstreamJob
from .listener import Listener, Refusal
from .orders import AcceptThen, Answer, Break, Call, Fate, Order, Overlook, Refuse, Say, Wire
from .server import reset

DRIP_S = 0.2
RUBBISH = b"MZ\x90\x00\x03\x00\x00\x00"


@dataclass(frozen=True, slots=True)
class Called:
    """One call that was made: what about, and how it was answered (status 0: not at all)."""

    url: str
    body: Mapping[str, Any]
    status: int
    answer: bytes


class Simulator(Listener):
    """One upstream.

    `seconds`: how long its jobs take. `manual`: they take until `finish(job)`. `instant`: done in the submit's own answer.
    More books: `received` (submits by token; "" where the protocol has none), `jobs` by id, `bought`,
    `polls` by job id, `fetched` (result requests by job id), `called` (each call that it made).
    """

    DOORS = ("submit", "poll", "find", "cancel", "check", "result", "call")
    KEY = "simulated-key"
    MODELS: frozenset[str] = frozenset()
    HONOURS_TOKEN = True  # a repeat gives the first job, and is no second one
    LOCKED = False  # its results are given to nobody but who shows the key

    def __init__(self, *, seconds: float = 0.0, manual: bool = False, instant: bool = False, port: int = 0):
        super().__init__(port=port)
        self.seconds, self.manual, self.instant = seconds, manual, instant
        self.usage: dict[str, Any] = {}  # what a dialect that tells usage says of each job that is done
        self.received: Counter[str] = Counter()
        self.polls: Counter[str] = Counter()
        self.fetched: Counter[str] = Counter()
        self.jobs: dict[str, UpstreamJob] = {}
        self.called: list[Called] = []
        self._by_token: dict[str, UpstreamJob] = {}
        self._calling: set[asyncio.Task] = set()

    @property
    def credentials(self) -> dict[str, str]:
        """As an operator enters them."""
        return {"key": self.KEY}

    # What tests say and ask

    def will(self, *orders: Order, at: str = "submit", times: int = 1) -> None:
        super().will(*orders, at=at, times=times)

    def finish(self, job: UpstreamJob | str | None = None) -> None:
        """Let this job end now; without one, every job."""
        chosen = list(self.jobs.values()) if job is None else [self.jobs[job] if isinstance(job, str) else job]
        for each in chosen:
            each.done_at = min(each.done_at, time.time())

    @property
    def bought(self) -> int:
        return len(self.jobs)

    # The server

    async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
        door, about = await self.door_of(request)
        self.requests[door] += 1
        if door != "result" or self.LOCKED:
            self.check_key(request)
        if door == "result":
            return await self._result(request, about)
        if door == "submit":
            return await self._submit(request)
        order = self._next(door)
        if door == "poll":
            return await self._poll(request, about, order)
        if isinstance(order, Answer | Refuse):  # whatever the answer were
            return await self._answer(request, order, {})
        return await self._answer(request, order, getattr(self, f"_{door}")(f"{about}-not-there" if isinstance(order, Overlook) else about))

    def _refused(self, request: web.BaseRequest, refusal: Refusal) -> web.StreamResponse:
        return web.json_response(self.write_refusal(refusal), status=refusal.status)

    def _job(self, id: str) -> UpstreamJob:
        if id not in self.jobs:
            raise self.refuse("not_found", f"there is no job {id}")
        return self.jobs[id]

    # Doors

    async def _submit(self, request: web.BaseRequest) -> web.StreamResponse:
        order = self._next("submit")
        body = self.read_body(request, await self.body_of(request))
        self.received[self.token_of(body)] += 1
        if isinstance(order, Answer | Refuse) or (isinstance(order, Break) and not order.accepts):
            return await self._answer(request, order, {})
        self.read_order(body)
        await self.before_accepting(body)
        job = self._accept(body)
        if isinstance(order, Fate):
            job.fate = order
        if isinstance(order, AcceptThen):
            job.next_polls.extend(order.polls)
        job.address = self.address_of(body)
        await self.accepted(job)
        return await self._answer(request, order, self.write_taken(job, time.time()))

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        """A submit is in order, and nothing is taken yet; raises Refusal."""

    async def accepted(self, job: UpstreamJob) -> None:
        """A job was taken, and its submit is not answered yet: from now on its address is called."""
        if not job.address:
            return
        order = self._next("call") or Call()
        if order.early:
            await self._call(job.address, self._about(job, order))
        calling = asyncio.ensure_future(self._calls(job, order))
        self._calling.add(calling)
        calling.add_done_callback(self._calling.discard)

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        token, model, count = self.read_order(body)
        if token in self._by_token and self.HONOURS_TOKEN:
            return self._by_token[token]
        now = time.time()
        done_at = inf if self.manual else now if self.instant else now + self.seconds
        job = UpstreamJob(self.new_id(len(self.jobs) + 1), token, model, count, created_at=now, done_at=done_at)
        job.makes_video = model.endswith("-video")
        self.jobs[job.id] = job
        if token:
            self._by_token.setdefault(token, job)
        return job

    async def _poll(self, request: web.BaseRequest, id: str, order: Order | None) -> web.StreamResponse:
        job = self._job(id)
        self.polls[job.id] += 1
        if order is None and job.next_polls:
            order = job.next_polls.popleft()
        return await self._answer(request, order, self.write_job(job, time.time()))

    def _find(self, token: str) -> dict:
        return self.write_found(self._by_token.get(token), time.time())

    def _check(self, _: str) -> dict:
        return self.write_check()

    def _cancel(self, id: str) -> dict:
        job = self._job(id)
        if job.is_over(time.time()):
            raise self.refuse("too_late", f"job {id} has ended")
        job.is_canceled, job.done_at = True, time.time()
        return self.write_job(job, time.time())

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        id, position = about.split("/")
        job = self._job(id)
        self.fetched[id] += 1
        order = self._next("result")
        if isinstance(order, Wire):
            return await self._answer(request, order, {})
        if job.fate.result == "gone" or int(position) >= job.outputs:
            return web.Response(status=404, text="this result is gone")  # a bucket's answer, not the protocol's
        content_type, content = job.file(int(position))
        if job.fate.result == "rubbish":
            return web.Response(body=RUBBISH, content_type=content_type)
        if job.fate.result:
            return await _badly(request, content_type, content, slowly=job.fate.result == "drip")
        return web.Response(body=content, content_type=content_type)

    # Calls

    async def _calls(self, job: UpstreamJob, order: Call) -> None:
        for _ in range(0 if order.early else order.times):
            await self._call(job.address, self._about(job, order))
        while order.times and not job.is_over(time.time()):
            await asyncio.sleep(0.02)
        await asyncio.sleep(order.late_s)
        for _ in range(order.times):
            await self._call(job.address, self._about(job, order))

    def _about(self, job: UpstreamJob, order: Call) -> Mapping[str, Any]:
        return self.ringing(self.jobs[order.about] if order.about else job)

    async def _call(self, url: str, body: Mapping[str, Any]) -> Called:
        status, answer = 0, b""
        told = self.write_call(body)
        headers = {"Content-Type": "application/json", **self.sign_call(url, told)}
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session,
                session.post(url, data=told, headers=headers) as got,
            ):
                status, answer = got.status, await got.read()
        except (aiohttp.ClientError, TimeoutError):
            pass
        self.called.append(Called(url, body, status, answer))
        self.changed()
        return self.called[-1]

    def write_call(self, body: Mapping[str, Any]) -> bytes | AsyncIterator[bytes]:
        return json.dumps(body).encode()

    def sign_call(self, url: str, told: bytes | AsyncIterator[bytes]) -> Mapping[str, str]:
        """The headers by which its protocol shows that it calls."""
        return {}

    # The wire

    async def _answer(self, request: web.BaseRequest, order: Order | None, body: dict) -> web.StreamResponse:
        """The `body`, or what the order makes of it."""
        match order:
            case Answer(status, retry_after, code):
                headers = {"Retry-After": f"{retry_after:g}"} if retry_after is not None else {}
                refusal = Refusal(status, self.code_for(status) if code is None else code, "as ordered")
                return web.json_response(self.write_refusal(refusal), status=status, headers=headers)
            case Refuse(why):
                raise self.refuse(why, "as ordered")
            case Break("before_answer"):
                return reset(request)
            case Break("mid_json"):
                return await _half(request, json.dumps(body).encode())
            case Break("hang"):
                await asyncio.Event().wait()
            case Break("garbage"):
                return web.Response(text="<html><h1>Welcome to nginx!</h1></html>", content_type="text/html")
            case Say(status):
                body = self.write_status(body, status)
        return web.json_response(body)

    # A dialect answers these

    async def door_of(self, request: web.BaseRequest) -> tuple[str, str]:
        """As `read_door`, for a protocol that says in headers or in the body what is wanted."""
        return self.read_door(request.method, request.path, request.query)

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        """Which of DOORS a request is for, and the id, token or `id/position` it is about; raises Refusal."""
        raise NotImplementedError

    async def body_of(self, request: web.BaseRequest) -> dict[str, Any]:
        """The fields of a submit: of its JSON, unless the protocol has forms."""
        return await _json(request, self)

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        """What is ordered, for `token_of`, `address_of` and `read_order`: the body, unless the path says a part of it."""
        return body

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        """Token, model and number of outputs of a submit; raises Refusal for anything the protocol does not know."""
        raise NotImplementedError

    def check_key(self, request: web.BaseRequest) -> None:
        """Raises Refusal for a request that does not show who sends it."""
        if request.headers.get("Authorization") != f"Bearer {self.KEY}":
            raise self.refuse("unauthenticated", "the key is missing or wrong")

    def token_of(self, body: Mapping[str, Any]) -> str:
        return ""

    def address_of(self, body: Mapping[str, Any]) -> str:
        """Where a job is to be called about; empty where its protocol calls nowhere."""
        return ""

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        """The body of a call about this job as it is now."""
        raise NotImplementedError

    def new_id(self, number: int) -> str:
        raise NotImplementedError

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        raise NotImplementedError

    def code_for(self, status: int) -> int | str:
        raise NotImplementedError

    def write_refusal(self, refusal: Refusal) -> dict:
        raise NotImplementedError

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        raise NotImplementedError

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        """The answer to its submit."""
        return self.write_job(job, now)

    def write_status(self, body: dict, status: str) -> dict:
        raise NotImplementedError

    def write_found(self, job: UpstreamJob | None, now: float) -> dict:
        raise NotImplementedError

    def write_check(self) -> dict:
        raise NotImplementedError


async def _json(request: web.BaseRequest, simulator: Simulator) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError:
        raise simulator.refuse("invalid", "the body is no JSON") from None
    if not isinstance(body, dict):
        raise simulator.refuse("invalid", "the body is no JSON object")
    return body


async def _half(request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    request.transport.close()  # not abort: the half must arrive
    return response


async def _badly(request: web.BaseRequest, content_type: str, content: bytes, *, slowly: bool) -> web.StreamResponse:
    """The file announced twice as long as it is: all of it and then the end, or a few bytes at a time and no end."""
    response = web.StreamResponse(headers={"Content-Type": content_type, "Content-Length": str(2 * len(content))})
    await response.prepare(request)
    if not slowly:
        await response.write(content)
        request.transport.close()
        return response
    for start in range(len(content)):
        await response.write(content[start : start + 1])
        await asyncio.sleep(DRIP_S)
    await asyncio.Event().wait()
    return response
