"""vidu: Vidu's API, as far as its pages tell, below /ent/v2; `Authorization: Token KEY`:

POST /text2video, /img2video, /start-end2video, /reference2video {model, prompt?, images?, duration?, …, payload?, callback_url?}
     → {task_id, state: created, credits, payload, …}
GET  /tasks/{id}/creations → {id, state, err_code, credits, payload, creations: [{url, …}]}
     state: created | queueing | processing | success | failed
GET  /tasks?pager.page=0&pager.pagesz=10 → {tasks: newest first}          GET /credits → {remains: [{credit_remain, …}]}
POST /tasks/{id}/cancel {id} → {}, before it is scheduled
errors: {code: the HTTP status, reason, message, metadata}
calls: the query's answer, signed by HMAC-SHA256 over method, path, query and named headers; the body is not covered

The same payload twice makes two jobs. A job is queued for the first tenth of its time. `parallel`: how many jobs may be open.
"""

import hmac
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rule, address, list_of, one_of, picture, text, truth, whole
from .simulator import Simulator

WHY = {
    "unauthenticated": (401, "Unauthorized"),
    "no_money": (400, "CreditInsufficient"),
    "invalid": (400, "FieldInvalid"),
    "missing": (400, "FieldLacking"),
    "unknown": (400, "FieldUnwanted"),
    "too_late": (400, "BadRequest"),
    "not_found": (404, "TaskNotFound"),
    "moderated": (400, "TaskPromptPolicyViolation"),
    "busy": (429, "TooManyRequests"),
    "parallel": (429, "QuotaExceeded"),
    "unavailable": (503, "ModelUnavailable"),
}
CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    503: "ModelUnavailable",
}
ENDINGS = {"moderated": "CreationPolicyViolation", "broken": "InternalServiceFailure"}
API = "/ent/v2"

FIELDS: dict[str, Rule] = {
    "model": text(100),
    "prompt": text(2000),
    "duration": whole(1, 16),
    "resolution": one_of("360p", "540p", "720p", "1080p"),
    "seed": whole(0, 2147483647),
    "style": one_of("general", "anime"),
    "movement_amplitude": one_of("auto", "small", "medium", "large"),
    "bgm": truth,
    "audio": truth,
    "off_peak": truth,
    "watermark": truth,
    "payload": text(1048576),
    "callback_url": address,
}
RATIO: dict[str, Rule] = {"aspect_ratio": one_of("16:9", "9:16", "4:3", "3:4", "1:1")}
# By path: its own fields, and those that it needs.
PATHS: dict[str, tuple[dict[str, Rule], tuple[str, ...]]] = {
    "/text2video": (RATIO, ("model", "prompt")),
    "/img2video": ({"images": list_of(picture, 1, 1)}, ("model", "images")),
    "/start-end2video": (RATIO | {"images": list_of(picture, 2, 2)}, ("model", "images")),
    "/reference2video": (RATIO | {"images": list_of(picture, 1, 7)}, ("model", "prompt", "images")),
}
LONGEST = {"viduq3-pro": 16, "viduq3-turbo": 16, "viduq2": 10, "viduq2-pro": 10, "viduq2-turbo": 10, "viduq1": 5}


class Vidu(Simulator):
    KEY = "vda_simulated-key"
    HONOURS_TOKEN = False

    def __init__(self, *, parallel: int | None = None, credits_left: int = 1000, **more: Any):
        super().__init__(**more)
        self.parallel, self.credits_left = parallel, credits_left
        self.orders: dict[str, Mapping[str, Any]] = {}  # by job id

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def check_key(self, request: web.BaseRequest) -> None:
        if request.headers.get("Authorization") != f"Token {self.KEY}":
            raise self.refuse("unauthenticated", "the token is missing or wrong")

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        below = path.removeprefix(API)
        if method == "POST" and path.startswith(API) and below in PATHS:
            return "submit", ""
        match method, below.strip("/").split("/"):
            case "GET", ["tasks"] if query.keys() <= {"pager.page", "pager.pagesz", "created_at.from"}:
                return "find", f"{query.get('pager.page', '0')}/{query.get('pager.pagesz', '10')}"
            case "GET", ["tasks", id, "creations"]:
                return "poll", id
            case "POST", ["tasks", id, "cancel"]:
                return "cancel", id
            case "GET", ["credits"]:
                return "check", ""
            case "GET", ["results", id, position]:
                return "result", f"{id}/{position}"
        raise Refusal(404, "NotFound", f"there is no {method} {path}")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path.removeprefix(API), "body": body}

    def token_of(self, ordered: Mapping[str, Any]) -> str:
        return str(ordered["body"].get("payload", ""))

    def address_of(self, ordered: Mapping[str, Any]) -> str:
        return ordered["body"].get("callback_url", "")

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        body = ordered["body"]
        own, needed = PATHS[ordered["path"]]
        for name in needed:
            if name not in body:
                raise self.refuse("missing", f"{name} is required")
        rules = FIELDS | own
        for name, value in body.items():
            if name not in rules:
                raise self.refuse("unknown", f"{name} is not wanted")
            if not rules[name](value):
                raise self.refuse("invalid", f"{name} is invalid")
        model = body["model"]
        if body.get("duration", 1) > LONGEST.get(model, 0) or ("audio" in body and not model.startswith("viduq3")):
            raise self.refuse("invalid", f"model {model} does not take this")
        return self.token_of(ordered), model, 1

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        now = time.time()
        if self.parallel is not None and sum(not job.is_over(now) for job in self.jobs.values()) >= self.parallel:
            raise self.refuse("parallel", "concurrency limit")

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.orders[job.id], job.makes_video = body["body"], True
        return job

    def _find(self, pager: str) -> dict:
        page, _, size = pager.partition("/")
        if not size.isdecimal():
            return {"tasks": []}  # as ordered
        if not 1 <= int(size) <= 100:
            raise Refusal(400, "PageSizeOutOfRange", "pager.pagesz")
        newest = [self.write_job(job, time.time()) for job in reversed(self.jobs.values())]
        return {"tasks": newest[int(page) * int(size) : (int(page) + 1) * int(size)]}

    def _cancel(self, id: str) -> dict:
        if self.state(self._job(id), time.time()) != "queueing":
            raise self.refuse("too_late", "task state is scheduled, can not cancel")
        super()._cancel(id)
        return {}

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"8943{number:012}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "InternalServiceFailure")

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"code": refusal.status, "reason": refusal.code, "message": refusal.message, "metadata": {"trace_id": "sim"}}

    def state(self, job: UpstreamJob, now: float) -> str:
        if not job.is_over(now):
            return "queueing" if job.progress(now) < 0.1 else "processing"
        return "failed" if job.is_canceled or job.fate.error else "success"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        ordered, state = self.orders[job.id], self.state(job, now)
        shown = {
            "id": job.id,
            "state": state,
            "model": job.model,
            "err_code": "",
            "credits": 35,
            "payload": ordered.get("payload", ""),
            "off_peak": False,
            "created_at": datetime.fromtimestamp(job.created_at, UTC).isoformat().replace("+00:00", "Z"),
            "creations": [],
        }
        if state == "failed":
            return shown | {"err_code": "UserCancelled" if job.is_canceled else ENDINGS[job.fate.error]}
        urls = [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs if state == "success" else 0)]
        return shown | {"creations": [{"id": f"{job.id}-{n}", "url": url, "cover_url": f"{url}?cover"} for n, url in enumerate(urls)]}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        shown = self.write_job(job, now)
        return {"task_id": shown.pop("id")} | shown | {"state": "created"}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"state": status, "creations": []}

    def write_check(self) -> dict:
        return {"remains": [{"type": "normal", "credit_remain": self.credits_left, "concurrency_limit": 5, "current_concurrency": 0}]}

    # Calls

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        return self.write_job(job, time.time())

    def sign_call(self, url: str, told: bytes | AsyncIterator[bytes]) -> Mapping[str, str]:
        at, nonce, date = urlsplit(url), "0123456789abcdef", format_datetime(datetime.now(UTC), usegmt=True)
        signed = signed_text("POST", at.path, at.query, date, {"x-request-nonce": nonce})
        return {
            "Date": date,
            "X-Request-Nonce": nonce,
            "X-HMAC-ACCESS-KEY": "vidu",
            "X-HMAC-ALGORITHM": "hmac-sha256",
            "X-HMAC-SIGNED-HEADERS": "x-request-nonce",
            "X-HMAC-SIGNATURE": signature(self.KEY, signed),
        }


def signed_text(method: str, path: str, query: str, date: str, headers: Mapping[str, str]) -> str:
    return "".join(f"{part}\n" for part in (method, path, query, "vidu", date, *(f"{name}:{value}" for name, value in headers.items())))


def signature(key: str, signed: str) -> str:
    return b64encode(hmac.digest(key.encode(), signed.encode(), "sha256")).decode()
