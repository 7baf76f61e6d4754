"""runway: Runway's developer API, as far as its pages tell; each call with `X-Runway-Version: 2024-11-06`:

POST   /v1/text_to_video, /v1/image_to_video, /v1/text_to_image {model, promptText, ratio, …} → {id, estimatedCost: {credits}}
GET    /v1/tasks/{id} → {id, createdAt, status: PENDING | THROTTLED | RUNNING | SUCCEEDED | FAILED | CANCELLED, progress?, output?, …}
DELETE /v1/tasks/{id} → 204: cancels one that is not over, deletes one that is
GET    /v1/organization → {creditBalance, …}
errors: {"error": sentence} with an HTTP status

A job is PENDING for the first tenth of its time; those beyond `at_once` are THROTTLED for as long as others run. None: any number.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Order
from .rules import Rule, address, anything, list_of, one_of, text, whole
from .simulator import Simulator

VERSION = "2024-11-06"
WHY = {
    "unauthenticated": (401, "You did not provide an API key, or it is not valid."),
    "no_money": (400, "You do not have enough credits to run this task."),
    "invalid": (400, "Validation of body failed"),
    "version": (400, "The X-Runway-Version header is missing or unknown."),
    "not_found": (404, "An asset with that ID was not found."),
    "busy": (429, "You have reached your daily limit."),
    "unavailable": (503, "We are experiencing high load."),
}
ENDINGS = {
    "moderated": ("SAFETY.OUTPUT.VIDEO", "Your content was flagged by our moderation."),
    "broken": ("INTERNAL.BAD_OUTPUT.CODE01", "An unexpected error occurred."),
}

VIDEO_RATIOS = ("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672")
IMAGE_RATIOS = (
    *("1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768", "1920:1080", "1080:1920"),
    *("2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960", "1680:720"),
)


def is_prompt(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.encode("utf-16-le")) <= 2000


def is_reference(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() <= {"uri", "tag"} and address(value.get("uri"))


COMMON: dict[str, Rule] = {"model": text(50), "promptText": is_prompt, "seed": whole(0, 4294967295), "contentModeration": anything}
# By path: its fields, and what each of its models needs.
PATHS: dict[str, tuple[dict[str, Rule], dict[str, tuple[str, ...]]]] = {
    "/v1/text_to_video": (
        COMMON | {"ratio": one_of(*VIDEO_RATIOS[:2]), "duration": whole(2, 10)},
        {"gen4.5": ("promptText", "ratio", "duration")},
    ),
    "/v1/image_to_video": (
        COMMON | {"ratio": one_of(*VIDEO_RATIOS), "duration": whole(2, 10), "promptImage": address},
        {"gen4.5": ("promptImage", "promptText", "ratio", "duration"), "gen4_turbo": ("promptImage", "ratio")},
    ),
    "/v1/text_to_image": (
        COMMON | {"ratio": one_of(*IMAGE_RATIOS), "referenceImages": list_of(is_reference, 1, 3)},
        {"gen4_image": ("promptText", "ratio"), "gen4_image_turbo": ("promptText", "ratio", "referenceImages")},
    ),
}


class Runway(Simulator):
    KEY = "key_simulated"
    HONOURS_TOKEN = False

    def __init__(self, *, at_once: int | None = None, credits_left: int = 1000, **more: Any):
        super().__init__(**more)
        self.at_once, self.credits_left = at_once, credits_left

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def check_key(self, request: web.BaseRequest) -> None:
        super().check_key(request)
        if request.headers.get("X-Runway-Version") != VERSION:
            raise self.refuse("version", "")

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        if method == "POST" and path in PATHS:
            return "submit", ""
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "tasks", id]:
                return "poll", id
            case "DELETE", ["v1", "tasks", id]:
                return "cancel", id
            case "GET", ["v1", "organization"]:
                return "check", ""
            case "GET", ["results", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
        raise self.refuse("not_found", "")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path, "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        body, (rules, models) = ordered["body"], PATHS[ordered["path"]]
        if body.get("model") not in models:
            raise self.refuse("invalid", f": model {body.get('model')}")
        for name in models[body["model"]]:
            if name not in body:
                raise self.refuse("invalid", f": {name} is required")
        for name, value in body.items():
            if name not in rules or not rules[name](value):
                raise self.refuse("invalid", f": {name} is {'invalid' if name in rules else 'unknown'}")
        return "", body["model"], 1

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = body["path"] != "/v1/text_to_image"
        return job

    async def _answer(self, request: web.BaseRequest, order: Order | None, body: dict) -> web.StreamResponse:
        response = await super()._answer(request, order, body)
        return web.Response(status=204) if request.method == "DELETE" and response.status == 200 else response

    def _cancel(self, id: str) -> dict:
        if self._job(id).is_over(time.time()):
            del self.jobs[id]
            return {}
        return super()._cancel(id)

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"7d1e0000-0000-4000-8000-{number:012}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        status, sentence = WHY[why]
        return Refusal(status, "", sentence + (message if why == "invalid" else ""), field)

    def code_for(self, status: int) -> str:
        return ""

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"error": refusal.message}

    def state(self, job: UpstreamJob, now: float) -> str:
        if job.is_over(now):
            return "CANCELLED" if job.is_canceled else "FAILED" if job.fate.error else "SUCCEEDED"
        ahead = [one for one in self.jobs.values() if not one.is_over(now) and one.id < job.id]
        if self.at_once is not None and len(ahead) >= self.at_once:
            return "THROTTLED"
        return "PENDING" if job.progress(now) < 0.1 else "RUNNING"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        created = datetime.fromtimestamp(job.created_at, UTC).isoformat().replace("+00:00", "Z")
        shown = {"id": job.id, "createdAt": created, "status": self.state(job, now)}
        match shown["status"]:
            case "RUNNING":
                return shown | {"progress": round(job.progress(now), 2), "estimatedCost": {"credits": 60}}
            case "FAILED":
                code, failure = ENDINGS[job.fate.error]
                return shown | {"failureCode": code, "failure": failure, "cost": {"credits": 0}}
            case "SUCCEEDED":
                urls = [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs)]
                return shown | {"output": urls, "cost": {"credits": 60}}
        return shown

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return {"id": job.id, "estimatedCost": {"credits": 60}}

    def write_status(self, body: dict, status: str) -> dict:
        return {"id": body["id"], "createdAt": body["createdAt"], "status": status}

    def write_check(self) -> dict:
        return {"creditBalance": self.credits_left, "tier": {"models": {}}, "usage": {"models": {}}}
