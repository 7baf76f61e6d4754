"""minimax_v2: H3 videos by version 2 of MiniMax's API, as far as its pages tell:

POST   /v2/video_generation {model, content, resolution?, duration?, ratio?, …, callback_url?} → {task_id}
       content: [{type: text, text}, {type: image_url, image_url: {url}, role}, …]
GET    /v2/query/video_generation/{task_id} → {task: {id, model, status: queued | running | succeeded | failed | cancelled, content, …}}
GET    /v2/query/video_generation?page_num=&page_size=&filter.task_ids=… → {items, total}
DELETE /v2/video_generation/{task_id} → {task_id, action: cancelled | deleted, status}: of one that is over the record goes
errors: an HTTP status, and {"type": "error", "error": {"type", "message": "… (1026)", "http_code"}, "request_id"}
calls: as version 1, with the challenge before

A job is queued for the first tenth of its time. `parallel`: how many jobs may be open.
"""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .minimax import Knocks
from .orders import Order
from .rules import Rule, address, anything, one_of, picture, text, truth, whole
from .simulator import Simulator

WHY = {
    "unauthenticated": (401, "authorized_error", 1004),
    "no_money": (402, "insufficient_balance_error", 1008),
    "invalid": (400, "bad_request_error", 2013),
    "not_found": (400, "bad_request_error", 2013),
    "too_late": (400, "bad_request_error", 2013),
    "moderated": (422, "unprocessable_entity_error", 1026),
    "busy": (429, "rate_limit_error", 1002),
    "unavailable": (529, "overloaded_error", 1000),
}
CODES = {
    400: "bad_request_error",
    401: "authorized_error",
    402: "insufficient_balance_error",
    403: "authorized_error",
    422: "unprocessable_entity_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    529: "overloaded_error",
}
ENDINGS = {
    "moderated": {"code": "1027", "message": "output content is sensitive"},
    "broken": {"code": "1000", "message": "the model could not finish"},
}
ROLES = {
    "image_url": ("first_frame", "last_frame", "reference_image"),
    "video_url": ("reference_video",),
    "audio_url": ("reference_audio",),
}
MOST = {"image_url": 9, "video_url": 3, "audio_url": 3}
RATIOS = ("16:9", "21:9", "4:3", "1:1", "3:4", "9:16")
FIELDS: dict[str, Rule] = {
    "model": text(100),
    "content": anything,
    "resolution": text(10),
    "duration": whole(4, 15),
    "ratio": one_of("adaptive", *RATIOS),
    "extra": anything,
    "aigc_watermark": truth,
    "callback_url": address,
}
RESOLUTIONS = {"MiniMax-H3": ("768P", "2K"), "MiniMax-H3-Max": ("480P", "768P")}


class MiniMaxV2(Knocks, Simulator):
    KEY = "simulated-minimax-key"
    HONOURS_TOKEN = False

    def __init__(self, *, insists: bool = False, parallel: int | None = None, **more: Any):
        super().__init__(**more)
        self.insists, self.unanswered, self.parallel = insists, set(), parallel

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["v2", "video_generation"]:
                return "submit", ""
            case "GET", ["v2", "query", "video_generation"] if query.keys() <= {"page_num", "page_size", "filter.task_ids"}:
                ids = query.getall("filter.task_ids", [])
                return ("poll" if ids else "check"), ",".join(ids)
            case "GET", ["v2", "query", "video_generation", id]:
                return "poll", id
            case "DELETE", ["v2", "video_generation", id]:
                return "cancel", id
            case "GET", ["results", id, position]:
                return "result", f"{id}/{position}"
        raise Refusal(404, "not_found_error", f"there is no {method} {path}")

    def address_of(self, body: Mapping[str, Any]) -> str:
        return str(body.get("callback_url", ""))

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        for name, value in body.items():
            if name not in FIELDS or not FIELDS[name](value):
                raise self.refuse("invalid", f"invalid params, {name} is {'invalid' if name in FIELDS else 'unknown'}")
        model = body.get("model")
        if model not in RESOLUTIONS:
            raise self.refuse("invalid", f"invalid params, model {model}")
        if body.get("resolution", "768P") not in RESOLUTIONS[model]:
            raise self.refuse("invalid", "invalid params, resolution")
        if model == "MiniMax-H3-Max" and body.get("duration") == 4:
            raise self.refuse("invalid", "invalid params, duration")
        roles = self._roles(body.get("content"))
        if not roles and body.get("ratio", "adaptive") == "adaptive":
            raise self.refuse("invalid", "invalid params, ratio is required for text to video")
        return "", model, 1

    def _roles(self, content: Any) -> list[str]:
        """Of all that comes beside the text."""
        if not isinstance(content, list) or not all(self._is_part(part) for part in content):
            raise self.refuse("invalid", "invalid params, content")
        kinds = [part["type"] for part in content]
        if kinds.count("text") != 1 or any(kinds.count(kind) > most for kind, most in MOST.items()):
            raise self.refuse("invalid", "invalid params, content")
        roles = [part["role"] for part in content if part["type"] != "text"]
        if {"first_frame", "last_frame"} & set(roles) and len(set(roles)) < len(roles):
            raise self.refuse("invalid", "invalid params, content has two parts of one role")
        return roles

    def _is_part(self, part: Any) -> bool:
        match part:
            case {"type": "text", "text": said, **rest}:
                return not rest and text(7000)(said)
            case {"type": "image_url" | "video_url" | "audio_url" as kind, "role": role, **rest}:
                found = rest.get(kind)
                return rest.keys() == {kind} and role in ROLES[kind] and isinstance(found, dict) and picture(found.get("url"))
        return False

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        now = time.time()
        if self.parallel is not None and sum(not job.is_over(now) for job in self.jobs.values()) >= self.parallel:
            raise self.refuse("busy", "too many tasks at once")
        await super().before_accepting(body)

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = True
        return job

    def _cancel(self, id: str) -> dict:
        job = self._job(id)
        match self.state(job, time.time()):
            case "queued":
                super()._cancel(id)
                return {"task_id": id, "action": "cancelled", "status": "cancelled"}
            case "succeeded" | "failed" as state:
                del self.jobs[id]
                return {"task_id": id, "action": "deleted", "status": state}
        raise self.refuse("too_late", "invalid params, the task cannot be cancelled")

    async def _poll(self, request: web.BaseRequest, id: str, order: Order | None) -> web.StreamResponse:
        if "filter.task_ids" not in request.query:
            return await super()._poll(request, id, order)
        known = [one for one in id.split(",") if one in self.jobs]
        self.polls.update(known)
        return await self._answer(request, order, self._listed(known))

    def _check(self, _: str) -> dict:
        return self._listed([*reversed(self.jobs)])

    def _listed(self, ids: list[str]) -> dict:
        items = [self.write_job(self.jobs[id], time.time())["task"] for id in ids]
        return {"items": items, "total": len(items)}

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"2769{number:014}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        status, kind, code = WHY[why]
        return Refusal(status, kind, f"{message} ({code})", field)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "server_error")

    def write_refusal(self, refusal: Refusal) -> dict:
        error = {"type": refusal.code, "message": refusal.message, "http_code": str(refusal.status)}
        return {"type": "error", "error": error, "request_id": "sim"}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return {"task_id": job.id}

    def state(self, job: UpstreamJob, now: float) -> str:
        if not job.is_over(now):
            return "queued" if job.progress(now) < 0.1 else "running"
        return "cancelled" if job.is_canceled else "failed" if job.fate.error else "succeeded"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        task: dict[str, Any] = {
            "id": job.id,
            "model": job.model,
            "status": self.state(job, now),
            "created_at": int(job.created_at),
            "updated_at": int(now),
            "task_type": "generation",
            "modality": "video",
            "usage": {},
        }
        match task["status"]:
            case "failed":
                task["error"] = ENDINGS[job.fate.error]
            case "succeeded":
                task["content"] = {"url": f"{self.url}/results/{job.id}/0"} if job.outputs else {}
        return {"task": task}

    def write_status(self, body: dict, status: str) -> dict:
        """Without what only a job that has ended shows."""
        return {"task": {name: value for name, value in body["task"].items() if name not in ("content", "error")} | {"status": status}}

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        return self.write_job(job, time.time())
