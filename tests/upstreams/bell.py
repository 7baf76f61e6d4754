"""bell: an upstream without a token that calls when a job has news, and lists what it makes.

POST /orders {model, text, count?, call?}  → the job            GET /orders/{id}
GET  /orders?since=SECONDS → {"now", "orders": [newest first]}  GET /ping → {"up": true}
job: {id, model, text, count, call?, made_at, state: open | done | broken, part, files: [url], reason?}
error: {"error": WORD, "detail": text, "field"?}
call: POST {"order": id, "state": …} to `call`, once the job is taken and once it has ended. With `knocks`, POST {"knock": TEXT} comes
before it is taken, and is to be answered {"knock": the same}. Calls come in chunks, without their length.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Call
from .simulator import Simulator

FIELDS = {"model": str, "text": str, "count": int, "call": str}
WHY = {"invalid": (400, "WRONG"), "no_model": (404, "NO_MODEL"), "not_found": (404, "NO_ORDER"), "unauthenticated": (401, "NO_KEY")}
CODES = {400: "WRONG", 401: "NO_KEY", 402: "NO_MONEY", 403: "NO_KEY", 404: "NO_ORDER", 429: "LATER", 503: "CLOSED"}
ENDINGS = {"moderated": "UNSEEMLY", "broken": "CRACKED"}
KNOCK = "who is there?"
PATIENCE = aiohttp.ClientTimeout(10)


@dataclass(frozen=True, slots=True)
class Called:
    """One call that was made: what about, and how it was answered (status 0: not at all)."""

    url: str
    body: Mapping[str, Any]
    status: int
    answer: bytes


class Bell(Simulator):
    """More books: `called`, each call that was made. `clock` is the time that it tells, in Unix seconds; its jobs take real time."""

    DOORS = (*Simulator.DOORS, "call")
    MODELS = frozenset({"bell-image", "bell-video"})

    def __init__(self, *, knocks: bool = False, clock: Callable[[], float] | None = None, **more: Any):
        super().__init__(**more)
        self.knocks, self.clock = knocks, clock
        self.called: list[Called] = []
        self.orders: dict[str, Mapping[str, Any]] = {}  # job id → what was ordered, and when
        self._calling: set[asyncio.Task] = set()

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        """The body of a call about this job as it is now."""
        shown = self.write_job(job, time.time())
        return {"order": shown["id"], "state": shown["state"]}

    # The server

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        if self.knocks and (url := body.get("call")):
            called = await self._call(url, {"knock": KNOCK})
            if called.answer != json.dumps({"knock": KNOCK}).encode():
                raise self.refuse("invalid", f"nobody answers at {url}", "call")

    async def accepted(self, job: UpstreamJob, body: Mapping[str, Any]) -> None:
        if not (url := body.get("call")):
            return
        order = self._next("call") or Call()
        if order.early:
            await self._call(url, self._about(job, order))
        calling = asyncio.ensure_future(self._calls(url, job, order))
        self._calling.add(calling)
        calling.add_done_callback(self._calling.discard)

    async def _calls(self, url: str, job: UpstreamJob, order: Call) -> None:
        for _ in range(0 if order.early else order.times):
            await self._call(url, self._about(job, order))
        while order.times and not job.is_over(time.time()):
            await asyncio.sleep(0.02)
        await asyncio.sleep(order.late_s)
        for _ in range(order.times):
            await self._call(url, self._about(job, order))

    def _about(self, job: UpstreamJob, order: Call) -> dict[str, Any]:
        return self.ringing(self.jobs[order.about] if order.about else job)

    async def _call(self, url: str, body: Mapping[str, Any]) -> Called:
        status, answer = 0, b""
        try:
            async with aiohttp.ClientSession() as session, session.post(url, data=_in_pieces(body), timeout=PATIENCE) as got:
                status, answer = got.status, await got.read()
        except (aiohttp.ClientError, TimeoutError):
            pass
        self.called.append(Called(url, body, status, answer))
        self.changed()
        return self.called[-1]

    # The protocol

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["orders"]:
                return "submit", ""
            case "GET", ["orders"]:
                return "find", query.get("since", "0")
            case "GET", ["orders", id]:
                return "poll", id
            case "GET", ["ping"]:
                return "check", ""
            case "GET", ["files", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
        raise self.refuse("not_found", f"there is no {method} {path}")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        for name, value in body.items():
            if name not in FIELDS:
                raise self.refuse("invalid", f"{name} is unknown", name)
            if type(value) is not FIELDS[name]:
                raise self.refuse("invalid", f"{name} is no {FIELDS[name].__name__}", name)
        if body.get("model") not in self.MODELS:
            raise self.refuse("no_model", f"there is no model {body.get('model')}", "model")
        if not body.get("text"):
            raise self.refuse("invalid", "there is no text", "text")
        return "", body["model"], body.get("count", 1)

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.orders[job.id] = {**body, "made_at": self.clock() if self.clock else time.time()}
        return job

    def _find(self, since: str) -> dict:
        made = [job for job in self.jobs.values() if self.orders[job.id]["made_at"] >= float(since)]
        shown = [self.write_job(job, time.time()) for job in reversed(made)]
        return {"now": self.clock() if self.clock else time.time(), "orders": shown}

    def new_id(self, number: int) -> str:
        return f"bell{number}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "BROKEN")

    def write_refusal(self, refusal: Refusal) -> dict:
        said = {"error": refusal.code, "detail": refusal.message}
        return said | ({"field": refusal.field} if refusal.field else {})

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        ordered = self.orders[job.id]
        shown = {"count": 1, **ordered, "id": job.id, "state": "open", "part": job.progress(now), "files": []}
        if not job.is_over(now):
            return shown
        if job.fate.error:
            return shown | {"state": "broken", "reason": ENDINGS[job.fate.error]}
        return shown | {"state": "done", "part": 1.0, "files": [f"{self.url}/files/{job.id}/{n}" for n in range(job.outputs)]}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"state": status, "files": []}

    def write_check(self) -> dict:
        return {"up": True}


async def _in_pieces(body: Mapping[str, Any]) -> AsyncIterator[bytes]:
    text = json.dumps(body).encode()
    yield text[:5]
    yield text[5:]
