"""tencent_tokenhub: Hunyuan pictures and videos of Tencent TokenHub, as far as its pages tell.

POST /v1/wand/hunyuan-image/v3-generation  {model, prompt, images?, size?, seed?} → {id, created, data: [{url}]}, once it is drawn
POST /v1/wand/hunyuan-image/v35-generation {model, messages, size?, seed?} → {choices: [{delta: {image: {url}}}]}, once it is drawn
POST /v1/api/video/submit {model, prompt, image?, resolution?} → {id, status: queued}
POST /v1/api/video/query {model, id} → {id, status: queued | in_progress | completed | failed | cancelled, progress, data: {url}, error?}
error: {"error": {type, code, message, source, request_id}}; of a picture that could not be drawn within an HTTP 200

`spells`: whether codes are numbers; what they are is told nowhere.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rules, Wrong, address, judge, list_of, one_of, shaped, text, whole
from .simulator import Simulator

SUBMIT, QUERY = "/v1/api/video/submit", "/v1/api/video/query"
DRAW, CHAT = "/v1/wand/hunyuan-image/v3-generation", "/v1/wand/hunyuan-image/v35-generation"
WHY = {
    "invalid": (400, "400001"),
    "missing": (400, "400002"),
    "no_model": (400, "400004"),
    "unauthenticated": (401, "401002"),
    "no_money": (402, "401007"),
    "not_found": (404, "404001"),
    "busy": (429, "429001"),
    "moderated": (451, "451001"),
}
CODES = {400: "400001", 401: "401002", 402: "403004", 403: "403001", 404: "404001", 429: "429001", 451: "451001", 502: "502001"}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "permission_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
    451: "content_filter_error",
}
ENDINGS = {"moderated": (451, "451001", "the content was refused"), "broken": (502, "502001", "the model could not finish")}
PIXELS, SEED = text(9, least=7), whole(1, 2**32 - 1)
PART: Rules = {"type": one_of("text", "image_url"), "text": text(8192), "image_url": {"url": address}}
MESSAGE: Rules = {"role": one_of("user"), "content": list_of(shaped(PART, needs=("type",)), 1, 4)}
FIELDS: dict[str, Rules] = {
    SUBMIT: {
        "model": text(64),
        "prompt": text(2000),
        "image": {"url": address},
        "resolution": one_of("480p", "720p", "1080p"),
        "logo_add": whole(0, 1),
    },
    DRAW: {"model": text(64), "prompt": text(8192), "images": list_of(address, 1, 3), "size": PIXELS, "seed": SEED},
    CHAT: {
        "model": text(64),
        "messages": list_of(shaped(MESSAGE, needs=("role", "content")), 1, 1),
        "size": PIXELS,
        "seed": whole(1, 2**32),
    },
}
NEEDS = {SUBMIT: ("model", "prompt"), DRAW: ("model", "prompt"), CHAT: ("model", "messages")}
MODELS = {SUBMIT: {"hy-video-1.5", "yt-video-2.0"}, DRAW: {"hy-image-v3"}, CHAT: {"hy-image-v3.5-preview"}}


class TencentTokenhub(Simulator):
    HONOURS_TOKEN = False

    def __init__(self, *, spells: bool = True, **more: Any):
        super().__init__(**more)
        self.spells = spells
        self.orders: dict[str, str] = {}  # by job id, where it was ordered

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    async def door_of(self, request: web.BaseRequest) -> tuple[str, str]:
        if request.method == "GET" and request.path.startswith("/results/"):
            return "result", request.path.removeprefix("/results/")
        if request.method == "POST" and request.path in FIELDS:
            return "submit", ""
        if (request.method, request.path) != ("POST", QUERY):
            raise self.refuse("not_found", f"there is no {request.method} {request.path}")
        asked = await request.json()
        self._judge(asked, {"model": text(64), "id": text(64)}, ("model", "id"))
        job = self.jobs.get(asked["id"])
        return ("check", "") if job is None or job.model != asked["model"] else ("poll", job.id)

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path, "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        path, body = ordered["path"], ordered["body"]
        self._judge(body, FIELDS[path], NEEDS[path])
        if body["model"] not in MODELS[path]:
            raise self.refuse("no_model", f"there is no model {body['model']}")
        return "", body["model"], 1

    def _judge(self, body: Any, rules: Rules, needs: tuple[str, ...]) -> None:
        try:
            judge(body, rules, needs=needs)
        except Wrong as fault:
            raise self.refuse("missing" if fault.why == "missing" else "invalid", str(fault)) from None

    # What is answered

    def _accept(self, ordered: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(ordered)
        self.orders[job.id], job.makes_video = ordered["path"], ordered["path"] == SUBMIT
        return job

    async def accepted(self, job: UpstreamJob) -> None:
        while not (job.makes_video or job.is_over(time.time())):
            await asyncio.sleep(0.02)

    def new_id(self, number: int) -> str:
        return f"hub-{number:08x}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "500001")

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"error": self._error(refusal.status, str(refusal.code), refusal.message)}

    def _error(self, status: int, code: str, message: str) -> dict[str, Any]:
        spelt = code if self.spells or not code.isdecimal() else int(code)
        return {"type": TYPES.get(status, "upstream_error"), "code": spelt, "message": message, "source": "gateway", "request_id": "sim"}

    def write_check(self) -> dict:
        raise self.refuse("not_found", "there is no such job")

    def write_status(self, body: dict, status: str) -> dict:
        return {name: value for name, value in body.items() if name not in ("data", "error")} | {"status": status}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        if not job.makes_video:
            return self._drawn(job, now)
        return {"id": job.id, "request_id": "sim", "object": "video", "created_at": int(now), "status": "queued"}

    def _drawn(self, job: UpstreamJob, now: float) -> dict:
        if job.fate.error:
            return {"error": self._error(*ENDINGS[job.fate.error])}
        urls = [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs)]
        if self.orders[job.id] == DRAW:
            return {"id": job.id, "created": int(now), "data": [{"url": url, "revised_prompt": ""} for url in urls]}
        return {"choices": [{"delta": {"image": {"url": url, "width": 1024, "height": 1024}}} for url in urls]}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {"id": job.id, "status": "queued" if job.waits(now) else "in_progress", "progress": int(100 * job.progress(now))}
        if not job.is_over(now):
            return shown
        if job.fate.error:
            return shown | {"status": "failed", "error": self._error(*ENDINGS[job.fate.error])}
        return shown | {"status": "completed", "data": {"url": f"{self.url}/results/{job.id}/0"} if job.outputs else {}}
