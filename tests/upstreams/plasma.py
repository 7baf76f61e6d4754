"""plasma: a well-mannered upstream. Jobs under /v1/jobs, errors with numeric codes, a client token that it honours.

POST   /v1/jobs {model, prompt, size?, seconds?, seed?, n?, image?, client_token?}   → the job; a known token → its first job
GET    /v1/jobs/{id}                        GET /v1/jobs?client_token=…  → {"data": [the job]}
GET    /v1/jobs?ids=a,b  → {"data": [those it knows]}, up to 100; fields that only the one asked for alone shows: error
DELETE /v1/jobs/{id}  (409 once it ended)   GET /v1/models
job: {id, model, status: waiting | drawing | done | broken | canceled, progress, results: [{url}], error?, charged?, usage?}
error: {"error": {code, message, field?}}
"""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Order
from .simulator import Simulator

FIELDS = {"prompt": str, "size": str, "seconds": int, "seed": int, "n": int, "image": str, "model": str, "client_token": str}
WHY = {
    "invalid": (400, 12),
    "moderated": (400, 14),
    "busy": (429, 17),
    "no_model": (404, 21),
    "unavailable": (503, 19),
    "no_money": (402, 23),
    "not_found": (404, 22),
    "too_late": (409, 24),
    "unauthenticated": (401, 31),
}
CODES = {400: 12, 401: 31, 402: 23, 403: 31, 404: 22, 409: 24, 429: 17, 503: 19}
MOST_IDS = 100
ENDINGS = {
    "moderated": (14, "this picture was refused"),
    "broken": (40, "the machine broke"),
    "interrupted": (41, "the machine was taken away"),
}


class Plasma(Simulator):
    """`unlisted`: ids of jobs that its list leaves out."""

    MODELS = frozenset({"plasma-image", "plasma-video"})

    def __init__(self, **more: Any):
        super().__init__(**more)
        self.unlisted: set[str] = set()

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["v1", "jobs"]:
                return "submit", ""
            case "GET", ["v1", "jobs"] if "ids" in query:
                return "poll", query["ids"]
            case "GET", ["v1", "jobs"]:
                return "find", query.get("client_token", "")
            case "GET", ["v1", "jobs", id]:
                return "poll", id
            case "DELETE", ["v1", "jobs", id]:
                return "cancel", id
            case "GET", ["v1", "models"]:
                return "check", ""
            case "GET", ["results", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
        raise self.refuse("not_found", f"there is no {method} {path}")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        for name, value in body.items():
            if name not in FIELDS:
                raise self.refuse("invalid", f"unknown field {name}", name)
            if type(value) is not FIELDS[name]:
                raise self.refuse("invalid", f"{name} must be {FIELDS[name].__name__}", name)
        if body.get("model") not in self.MODELS:
            raise self.refuse("no_model", f"there is no model {body.get('model')}", "model")
        if not body.get("prompt"):
            raise self.refuse("invalid", "prompt is required", "prompt")
        if not 1 <= body.get("n", 1) <= 4:
            raise self.refuse("invalid", "n must be 1 to 4", "n")
        return body.get("client_token", ""), body["model"], body.get("n", 1)

    async def _poll(self, request: web.BaseRequest, id: str, order: Order | None) -> web.StreamResponse:
        if "ids" not in request.query:
            return await super()._poll(request, id, order)
        ids = id.split(",")
        if len(ids) > MOST_IDS:
            raise self.refuse("invalid", f"at most {MOST_IDS} ids", "ids")
        known = [self.jobs[one] for one in ids if one in self.jobs and one not in self.unlisted]
        self.polls.update(job.id for job in known)
        listed = [self.write_job(job, time.time()) for job in known]
        return await self._answer(request, order, {"data": [{**job, "error": {}} for job in listed]})

    def token_of(self, body: Mapping[str, Any]) -> str:
        return str(body.get("client_token", ""))

    def new_id(self, number: int) -> str:
        return f"pl-{number:06}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> int:
        return CODES.get(status, 50)

    def write_refusal(self, refusal: Refusal) -> dict:
        error = {"code": refusal.code, "message": refusal.message}
        return {"error": error | ({"field": refusal.field} if refusal.field else {})}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {"id": job.id, "model": job.model, "status": "drawing", "progress": round(job.progress(now), 3), "results": []}
        if not job.is_over(now):
            return shown
        if job.is_canceled:
            return shown | {"status": "canceled"}
        if job.fate.error:
            code, message = ENDINGS[job.fate.error]
            return shown | {"status": "broken", "error": {"code": code, "message": message}}
        results = [{"url": f"{self.url}/results/{job.id}/{position}"} for position in range(job.outputs)]
        return shown | {"status": "done", "progress": 1.0, "results": results, "charged": 0.25 * len(results), "usage": self.usage}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"status": status, "results": []}

    def write_found(self, job: UpstreamJob | None, now: float) -> dict:
        return {"data": [self.write_job(job, now)] if job else []}

    def write_check(self) -> dict:
        return {"data": sorted(self.MODELS)}
