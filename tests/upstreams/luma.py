"""luma: Luma's Agents API, as far as its pages tell:

POST /v1/generations {type, model, prompt, aspect_ratio?, image_ref?, output_format?, video?: {duration, resolution, start_frame, …}, …}
     → {id, type, model, state: queued | processing | completed | failed, output: [{type, url}], failure_code, failure_reason}
GET  /v1/generations/{id} → the same, its files signed anew
GET  /v1/files → {data}
errors: {"detail": sentence} with an HTTP status; told nowhere, so tests write others too

A job is queued for the first tenth of its time. `at_once`: how many it takes that are not over. None: any number.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Order
from .rules import Rules, Wrong, address, anything, judge, list_of, one_of, shaped, text, truth
from .simulator import Simulator

API = "/v1"
WHY = {
    "unauthenticated": (401, "Invalid API key"),
    "invalid": (422, "Invalid request"),
    "not_found": (404, "Generation not found"),
    "no_model": (404, "Model not found"),
    "busy": (429, "Too many concurrent jobs"),
}
ENDINGS = {
    "moderated": ("content_moderated", "The content was flagged by our moderation."),
    "broken": ("generation_failed", "The generation could not be completed."),
}

MEDIA = shaped({"url": address}, needs=("url",))
VIDEO: Rules = {
    "duration": one_of("5s", "10s"),
    "resolution": one_of("360p", "540p", "720p", "1080p"),
    "start_frame": MEDIA,
    "end_frame": MEDIA,
    "loop": truth,
    "hdr": truth,
}
COMMON: Rules = {"type": anything, "model": text(50), "prompt": text(6000), "user_id": text(200)}
OF_A_VIDEO: Rules = COMMON | {"aspect_ratio": one_of("9:16", "3:4", "1:1", "4:3", "16:9", "21:9"), "video": VIDEO}
OF_A_PICTURE: Rules = COMMON | {
    "aspect_ratio": one_of("3:1", "2:1", "21:9", "16:9", "4:3", "3:2", "1:1", "3:4", "2:3", "9:16", "1:2", "1:3"),
    "image_ref": list_of(MEDIA, 1, 9),
    "output_format": one_of("png", "jpeg"),
    "style": one_of("auto", "manga"),
    "web_search": truth,
}
MODELS: dict[str, tuple[str, Rules]] = {
    "ray-3.2": ("video", OF_A_VIDEO),
    "uni-1": ("image", OF_A_PICTURE),
    "uni-1-max": ("image", OF_A_PICTURE),
}


class Luma(Simulator):
    KEY = "luma-api-simulated"
    HONOURS_TOKEN = False

    def __init__(self, *, at_once: int | None = None, **more: Any):
        super().__init__(**more)
        self.at_once, self._signed = at_once, 0

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.removeprefix(API).strip("/").split("/"):
            case "POST", ["generations"]:
                return "submit", ""
            case "GET", ["generations", id]:
                return "poll", id
            case "GET", ["files"]:
                return "check", ""
            case "GET", ["results", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
        raise self.refuse("not_found", "")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        if body.get("model") not in MODELS:
            raise self.refuse("no_model", "")
        kind, rules = MODELS[body["model"]]
        try:
            judge(body, rules, needs=("type", "prompt"))
        except Wrong as wrong:
            raise self.refuse("invalid", f": {wrong}") from None
        if body["type"] != kind:
            raise self.refuse("invalid", f": {body['model']} makes no {body['type']}")
        self._check_video(body.get("video", {}))
        return "", body["model"], 1

    def _check_video(self, video: Mapping[str, Any]) -> None:
        """What does not go together."""
        has_frames = "start_frame" in video or "end_frame" in video
        if has_frames and video.get("duration") == "10s":
            raise self.refuse("invalid", ": frames go with 5s only")
        if video.get("loop") and ("end_frame" in video or video.get("hdr") or video.get("duration") == "10s"):
            raise self.refuse("invalid", ": loop goes with none of 10s, hdr and end_frame")

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        now = time.time()
        if self.at_once is not None and sum(not job.is_over(now) for job in self.jobs.values()) >= self.at_once:
            raise self.refuse("busy", "")

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = body["type"] == "video"
        return job

    async def _answer(self, request: web.BaseRequest, order: Order | None, body: dict) -> web.StreamResponse:
        response = await super()._answer(request, order, body)
        if request.method == "POST" and response.status == 200:
            response.set_status(201)
        return response

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"d2900000-0000-4000-8000-{number:012}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        status, sentence = WHY[why]
        return Refusal(status, "", sentence + (message if why == "invalid" else ""), field)

    def code_for(self, status: int) -> str:
        return ""

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"detail": refusal.message}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        kind = "video" if job.makes_video else "image"
        shown: dict[str, Any] = {
            "id": job.id,
            "type": kind,
            "model": job.model,
            "state": "queued" if job.waits(now) else "processing",
            "created_at": datetime.fromtimestamp(job.created_at, UTC).isoformat().replace("+00:00", "Z"),
            "output": [],
            "failure_code": None,
            "failure_reason": None,
        }
        if not job.is_over(now):
            return shown
        if job.fate.error:
            code, reason = ENDINGS[job.fate.error]
            return shown | {"state": "failed", "failure_code": code, "failure_reason": reason}
        self._signed += 1
        urls = [f"{self.url}/results/{job.id}/{position}?X-Amz-Expires=3600&n={self._signed}" for position in range(job.outputs)]
        return shown | {"state": "completed", "output": [{"type": kind, "url": url} for url in urls]}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"state": status, "output": []}

    def write_check(self) -> dict:
        return {"data": []}
