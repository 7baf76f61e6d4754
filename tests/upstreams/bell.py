"""bell: an upstream without a token that calls when a job has news, and lists what it makes.

POST /orders {model, text, count?, call?}  → the job            GET /orders/{id}
GET  /orders?since=SECONDS → {"now", "orders": [newest first]}  GET /ping → {"up": true}
job: {id, model, text, count, call?, made_at, state: open | done | broken, part, files: [url], reason?}
error: {"error": WORD, "detail": text, "field"?}
call: POST {"order": id, "state": …} to `call`, once the job is taken and once it has ended. With `knocks`, POST {"knock": TEXT} comes
before it is taken, and is to be answered {"knock": the same}. Calls come in chunks, without their length.
"""

import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from .jobs import UpstreamJob
from .listener import Refusal
from .simulator import Simulator

FIELDS = {"model": str, "text": str, "count": int, "call": str}
WHY = {
    "invalid": (400, "WRONG"),
    "moderated": (400, "UNSEEMLY"),
    "no_model": (404, "NO_MODEL"),
    "not_found": (404, "NO_ORDER"),
    "unauthenticated": (401, "NO_KEY"),
    "busy": (429, "LATER"),
    "no_money": (402, "NO_MONEY"),
    "unavailable": (503, "CLOSED"),
}
CODES = {400: "WRONG", 401: "NO_KEY", 402: "NO_MONEY", 403: "NO_KEY", 404: "NO_ORDER", 429: "LATER", 503: "CLOSED"}
ENDINGS = {"moderated": "UNSEEMLY", "broken": "CRACKED"}
KNOCK = "who is there?"


class Bell(Simulator):
    """`clock` is the time that it tells, in Unix seconds; its jobs take real time."""

    MODELS = frozenset({"bell-image", "bell-video"})

    def __init__(self, *, knocks: bool = False, clock: Callable[[], float] | None = None, **more: Any):
        super().__init__(**more)
        self.knocks, self.clock = knocks, clock
        self.orders: dict[str, Mapping[str, Any]] = {}  # job id → what was ordered, and when

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        """The body of a call about this job as it is now."""
        shown = self.write_job(job, time.time())
        return {"order": shown["id"], "state": shown["state"]}

    # The server

    def address_of(self, body: Mapping[str, Any]) -> str:
        return body.get("call", "")

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        if self.knocks and (url := body.get("call")):
            called = await self._call(url, {"knock": KNOCK})
            if called.answer != json.dumps({"knock": KNOCK}).encode():
                raise self.refuse("invalid", f"nobody answers at {url}", "call")

    def write_call(self, body: Mapping[str, Any]) -> AsyncIterator[bytes]:
        return _in_pieces(body)

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
