"""dashscope: Alibaba's Model Studio, as far as its pages tell, below /api/v1:

POST /services/aigc/video-generation/video-synthesis, /services/aigc/image-generation/generation, /services/aigc/text2image/image-synthesis
     {model, input, parameters}, with `X-DashScope-Async: enable` → {"request_id", "output": {"task_id", "task_status": "PENDING"}}
GET  /tasks/{task_id} → {"request_id", "output": {task_id, task_status, submit_time, …, video_url | results | choices, code?}, "usage"}
POST /tasks/{task_id}/cancel, of a PENDING one              GET /tasks/?page_no=&page_size=&model_name=&status= → states only
errors: {"request_id", "code", "message"}; a job that is not there is HTTP 200 with the status UNKNOWN

A job is PENDING for the first tenth of its time. `submits_a_second`: how many are taken, None: any number.
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rate, Rule, address, list_of, one_of, text, truth, whole
from .simulator import Simulator

API = "/api/v1"
VIDEOS, PICTURES, OLDER_PICTURES = (
    "/services/aigc/video-generation/video-synthesis",
    "/services/aigc/image-generation/generation",
    "/services/aigc/text2image/image-synthesis",
)
WHY = {
    "unauthenticated": (401, "InvalidApiKey"),
    "not_async": (403, "AccessDenied"),
    "no_money": (400, "Arrearage"),
    "invalid": (400, "InvalidParameter"),
    "no_path": (404, "NotFound"),
    "not_found": (200, "UNKNOWN"),
    "no_model": (404, "ModelNotFound"),
    "moderated": (400, "DataInspectionFailed"),
    "busy": (429, "Throttling.RateQuota"),
    "unavailable": (503, "ModelUnavailable"),
    "too_late": (400, "UnsupportedOperation"),
}
CODES = {
    400: "InvalidParameter",
    401: "InvalidApiKey",
    403: "AccessDenied",
    404: "ModelNotFound",
    429: "Throttling",
    503: "ServiceUnavailable",
}
ENDINGS = {
    "moderated": ("DataInspectionFailed", "Output data may contain inappropriate content."),
    "broken": ("InternalError", "the model could not finish"),
}

RATIO = one_of("16:9", "9:16", "1:1", "4:3", "3:4")


def is_size(value: Any) -> bool:
    sides = value.split("*") if isinstance(value, str) else []
    return len(sides) == 2 and all(side.isdecimal() for side in sides)


SAID: dict[str, Rule] = {"prompt": text(5000), "negative_prompt": text(500), "audio_url": address}
MADE: dict[str, Rule] = {
    "resolution": one_of("720P", "1080P"),
    "duration": whole(2, 15),
    "seed": whole(0, 2147483647),
    "prompt_extend": truth,
    "watermark": truth,
}
DRAWN: dict[str, Rule] = {"size": is_size, "n": whole(1, 4), "seed": whole(0, 2147483647), "prompt_extend": truth, "watermark": truth}


def media(kinds: Mapping[str, int]) -> Rule:
    """A list of {type, url}, with no more of a kind than this."""

    def holds(value: Any) -> bool:
        if not isinstance(value, list) or not value:
            return False
        if not all(isinstance(one, dict) and one.keys() == {"type", "url"} and address(one["url"]) for one in value):
            return False
        named = [one["type"] for one in value]
        return all(named.count(kind) <= kinds.get(kind, 0) for kind in named)

    return holds


def is_content(value: Any) -> bool:
    """A text, and up to nine pictures."""
    if not isinstance(value, list) or [one for one in value if not isinstance(one, dict) or len(one) != 1]:
        return False
    texts = [one["text"] for one in value if "text" in one]
    pictures = [one.get("image") for one in value if "text" not in one]
    return len(texts) == 1 and text(5000)(texts[0]) and list_of(address, 0, 9)(pictures)


def is_conversation(value: Any) -> bool:
    match value:
        case [{"role": "user", "content": content, **rest}]:
            return not rest and is_content(content)
    return False


FRAMES = {"first_frame": 1, "last_frame": 1, "first_clip": 1, "driving_audio": 1}
REFERENCES = {"reference_image": 5, "reference_video": 3, "reference_voice": 5, "first_frame": 1}
# Where a model is ordered, the fields of its `input` and its `parameters`, and which of the first are needed.
MODELS: dict[str, tuple[str, dict[str, Rule], dict[str, Rule], tuple[str, ...]]] = {
    "wan2.7-t2v": (VIDEOS, SAID, MADE | {"ratio": RATIO}, ("prompt",)),
    "wan2.7-i2v": (VIDEOS, SAID | {"media": media(FRAMES)}, MADE, ("media",)),
    "wan2.7-r2v": (VIDEOS, SAID | {"media": media(REFERENCES)}, MADE | {"ratio": RATIO}, ("prompt", "media")),
    "wan2.7-image": (PICTURES, {"messages": is_conversation}, DRAWN, ("messages",)),
    "wan2.7-image-pro": (PICTURES, {"messages": is_conversation}, DRAWN, ("messages",)),
    "wan2.5-t2i-preview": (OLDER_PICTURES, SAID, DRAWN, ("prompt",)),
}


class DashScope(Simulator):
    KEY = "sk-simulated-key"
    HONOURS_TOKEN = False

    def __init__(self, *, submits_a_second: int | None = None, **more: Any):
        super().__init__(**more)
        self._rate = Rate(submits_a_second, within_s=1)
        self.orders: dict[str, Mapping[str, Any]] = {}  # by job id

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        last = path.rpartition("/")[2]
        if method == "GET" and path.startswith("/results/") and last.isdecimal():
            return "result", path.removeprefix("/results/")
        match method, path.removeprefix(API).strip("/").split("/"):
            case "POST", ["services", *_] if path.removeprefix(API) in (VIDEOS, PICTURES, OLDER_PICTURES):
                return "submit", ""
            case "GET", ["tasks"] if query.keys() <= {"page_no", "page_size", "model_name", "status", "start_time", "end_time"}:
                return "check", urlencode(query)
            case "GET", ["tasks", id]:
                return "poll", id
            case "POST", ["tasks", id, "cancel"]:
                return "cancel", id
        raise self.refuse("no_path", f"there is no {method} {path}")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path.removeprefix(API), "async": request.headers.get("X-DashScope-Async"), "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        body = ordered["body"]
        if ordered["async"] != "enable":
            raise self.refuse("not_async", "current user api does not support synchronous calls.")
        model = body.get("model")
        if model not in MODELS or MODELS[model][0] != ordered["path"]:
            raise self.refuse("no_model", f"Model not exist: {model}")
        _, said, made, needed = MODELS[model]
        self._judge(body, {"model": text(100), "input": lambda value: True, "parameters": lambda value: True}, "", ("input",))
        self._judge(body["input"], said, "input.", needed)
        self._judge(body.get("parameters", {}), made, "parameters.")
        return "", model, body.get("parameters", {}).get("n", 1)

    def _judge(self, given: Any, rules: Mapping[str, Rule], below: str, needed: tuple[str, ...] = ()) -> None:
        if not isinstance(given, dict):
            raise self.refuse("invalid", f"{below[:-1]} must be an object")
        for name in needed:
            if name not in given:
                raise self.refuse("invalid", f"{below}{name} is required")
        for name, value in given.items():
            if name not in rules or not rules[name](value):
                raise self.refuse("invalid", f"{below}{name} is {'invalid' if name in rules else 'unknown'}")

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        if not self._rate.takes(time.time()):
            raise self.refuse("busy", "Requests rate limit exceeded, please try again later.")

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.orders[job.id], job.makes_video = body["body"], body["path"] == VIDEOS
        return job

    def _cancel(self, id: str) -> dict:
        if self.state(self._job(id), time.time()) != "PENDING":
            raise self.refuse("too_late", "Failed to cancel the task, please confirm if the task is in PENDING status.")
        super()._cancel(id)
        return {"request_id": "sim"}

    def _check(self, query: str) -> dict:
        asked = dict(parse_qsl(query))
        size, page = int(asked.get("page_size", 10)), int(asked.get("page_no", 1))
        shown = [
            {"task_id": job.id, "status": self.state(job, time.time()), "model_name": job.model, "gmt_create": int(job.created_at * 1000)}
            for job in reversed(self.jobs.values())
        ]
        kept = [one for one in shown if all(asked.get(name) in (None, one[name]) for name in ("model_name", "status"))]
        data = kept[(page - 1) * size : page * size]
        return {
            "request_id": "sim",
            "total": len(kept),
            "data": data,
            "total_page": -(-len(kept) // size),
            "page_no": page,
            "page_size": size,
        }

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"0385dc79-5ff8-4d82-bcb6-{number:012}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "InternalError")

    def write_refusal(self, refusal: Refusal) -> dict:
        if refusal.code == "UNKNOWN":
            return {"request_id": "sim", "output": {"task_status": "UNKNOWN"}}
        return {"request_id": "sim", "code": refusal.code, "message": refusal.message}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return {"request_id": "sim", "output": {"task_id": job.id, "task_status": "PENDING"}}

    def write_status(self, body: dict, status: str) -> dict:
        """Without what only a job that has ended shows."""
        shown = {name: value for name, value in body["output"].items() if name not in ("video_url", "results", "choices", "task_metrics")}
        return {"request_id": "sim", "output": shown | {"task_status": status}}

    def state(self, job: UpstreamJob, now: float) -> str:
        if not job.is_over(now):
            return "PENDING" if job.progress(now) < 0.1 else "RUNNING"
        return "CANCELED" if job.is_canceled else "FAILED" if job.fate.error else "SUCCEEDED"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        output: dict[str, Any] = {"task_id": job.id, "task_status": self.state(job, now), "submit_time": "2026-01-01 08:00:00.000"}
        match output["task_status"]:
            case "FAILED":
                code, message = ENDINGS[job.fate.error]
                return {"request_id": "sim", "output": output | {"code": code, "message": message}}
            case "SUCCEEDED":
                return {"request_id": "sim", "output": output | self._made(job), "usage": self._used(job)}
        return {"request_id": "sim", "output": output}

    def _made(self, job: UpstreamJob) -> dict[str, Any]:
        urls = [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs)]
        if job.makes_video:
            return {"video_url": urls[0]} if urls else {}
        if MODELS[job.model][0] == PICTURES:
            choices = [{"finish_reason": "stop", "message": {"role": "assistant", "content": [{"image": url}]}} for url in urls]
            return {"choices": choices}
        lost = [{"code": "InternalError", "message": "the model could not finish"}] * (job.count - len(urls) if urls else 0)
        return {
            "results": [*({"url": url} for url in urls), *lost],
            "task_metrics": {"TOTAL": job.count, "SUCCEEDED": len(urls), "FAILED": len(lost)},
        }

    def _used(self, job: UpstreamJob) -> dict[str, Any]:
        if not job.makes_video:
            return {"image_count": job.outputs}
        return {"duration": self.orders[job.id].get("parameters", {}).get("duration", 5), "SR": 720, "video_count": 1}
