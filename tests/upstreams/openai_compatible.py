"""openai_compatible: a server that speaks OpenAI's protocols and runs open models, as far as OpenAI's pages and those of such servers tell:

POST   /v1/images/generations {model, prompt, n?, size?, seed?, negative_prompt?, …} → {created, data: [{b64_json | url}]}
GET    /v1/images/{id}, where that was answered 202 → likewise
POST   /v1/videos {model, prompt, seconds?, size?, input_reference?, seed?, …}, a form or JSON → the video
GET    /v1/videos/{id} → the video: {id, object, model, status: queued | in_progress | completed | failed, progress, error, …}
GET    /v1/videos/{id}/content → the bytes
DELETE /v1/videos/{id} → {id, object: "video.deleted", deleted}
GET    /v1/models → {object: "list", data: [{id, …}]}
errors: {"error": {message, type, param, code}}

What servers may do each in their own way: `by_url`, pictures are left at an address; `later`, an order for pictures is answered 202 and
with where they will be, as by Darkroom; `in_detail`, errors are told as FastAPI tells them; `stops`, DELETE stops a job that runs (else it
is refused).
"""

import asyncio
import base64
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .openai import Words, is_size
from .orders import Order
from .rules import Rules, anything, one_of, text, whole
from .simulator import Simulator

MODELS = ("darkroom/test-card-image", "darkroom/test-card-video")
IMAGES, VIDEOS = "/v1/images/generations", "/v1/videos"


def is_number(value: Any) -> bool:
    """As a form carries it, or JSON."""
    return str(value).isdecimal()


def is_file(value: Any) -> bool:
    return isinstance(value, web.FileField) and value.content_type in ("image/png", "image/jpeg", "image/webp")


COMMON: Rules = {"model": one_of(*MODELS), "prompt": text(32000), "size": is_size, "negative_prompt": text(4000), "seed": is_number}
FIELDS: dict[str, Rules] = {
    IMAGES: {**COMMON, "n": whole(1, 10), "seed": whole(0, 2**63), "quality": anything, "background": anything, "output_format": anything},
    VIDEOS: {**COMMON, "seconds": one_of("4", "8", "12"), "input_reference": is_file},
}


class OpenAICompatible(Words, Simulator):
    LOCKED = True

    def __init__(self, *, by_url: bool = False, later: bool = False, in_detail: bool = False, stops: bool = True, **more: Any):
        super().__init__(**more)
        self.by_url, self.later, self.in_detail, self.stops = by_url, later, in_detail, stops

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        if method == "POST" and path in FIELDS:
            return "submit", ""
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "videos" | "images", id]:
                return "poll", id
            case "GET", ["v1", "videos", id, "content"]:
                return "result", f"{id}/0"
            case "DELETE", ["v1", "videos", id]:
                return "cancel", id
            case "GET", ["v1", "models"]:
                return "check", ""
            case "GET", ["pictures", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
        raise self.refuse("not_found", f"Invalid URL ({method} {path})")

    async def body_of(self, request: web.BaseRequest) -> dict[str, Any]:
        return dict(await request.post()) if request.content_type == "multipart/form-data" else await super().body_of(request)

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path, "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        body = ordered["body"]
        if body.get("model") not in MODELS:
            raise self.refuse("no_model", f"The model '{body.get('model')}' does not exist.", "model")
        self.judged(body, FIELDS[ordered["path"]], "prompt")
        return "", body["model"], body.get("n", 1)

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = body["path"] == VIDEOS
        return job

    async def accepted(self, job: UpstreamJob) -> None:
        await super().accepted(job)
        if job.makes_video or self.later:
            return
        while not job.is_over(time.time()):
            await asyncio.sleep(0.02)
        if job.fate.error:
            raise self.refuse(job.fate.error, "as its end")

    def _job(self, id: str) -> UpstreamJob:
        job = super()._job(id)
        if job.is_canceled:
            raise self.refuse("not_found", f"The video {id} is deleted.")
        return job

    def _cancel(self, id: str) -> dict:
        job = self._job(id)
        if not (self.stops or job.is_over(time.time())):
            raise self.refuse("invalid", "Only videos that are completed or failed can be deleted.")
        job.is_canceled, job.done_at = True, min(job.done_at, time.time())
        return {"id": id, "object": "video.deleted", "deleted": True}

    # What is answered

    def new_id(self, number: int) -> str:
        return f"video_{number:08}"

    def write_refusal(self, refusal: Refusal) -> dict:
        if not self.in_detail:
            return super().write_refusal(refusal)
        if refusal.field:
            return {"detail": [{"type": "value_error", "loc": ["body", refusal.field], "msg": refusal.message}]}
        return {"detail": refusal.message}

    async def _answer(self, request: web.BaseRequest, order: Order | None, body: dict) -> web.StreamResponse:
        response = await super()._answer(request, order, body)
        if response.status == 200 and "data" in body and body["data"] is None:
            response.set_status(202)
        return response

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        if not job.makes_video:
            return self._pictures(job, now)
        shown = {"id": job.id, "object": "video", "model": job.model, "status": "queued", "progress": int(100 * job.progress(now))}
        shown |= {"created_at": int(job.created_at), "completed_at": None, "expires_at": None, "prompt": "", "seconds": "4"}
        shown |= {"size": "1280x720", "remixed_from_video_id": None, "error": None}
        if not job.is_over(now):
            return shown | ({} if job.waits(now) else {"status": "in_progress"})
        if job.fate.error == "moderated":
            error = {"code": "moderation_blocked", "message": "Your request was blocked by our moderation system."}
            return shown | {"status": "failed", "error": error}
        if job.fate.error:
            return shown | {"status": "failed", "error": {"code": "server_error", "message": "The model could not finish."}}
        return shown | {"status": "completed", "completed_at": int(job.done_at)}

    def _pictures(self, job: UpstreamJob, now: float) -> dict:
        if self.later and not job.is_over(now):
            return {"created": int(now), "data": None, "url": f"https://public.example/v1/images/{job.id}?response_format=b64_json"}
        if job.fate.error == "broken":
            raise Refusal(500, "server_error/generation_failed", "The model could not finish.")
        if job.fate.error:
            raise self.refuse(job.fate.error, "as its end")
        return {"created": int(now), "data": [self._picture(job, position) for position in range(job.outputs)]}

    def _picture(self, job: UpstreamJob, position: int) -> dict:
        if self.by_url:
            return {"url": f"{self.url}/pictures/{job.id}/{position}", "b64_json": None}
        return {"b64_json": base64.b64encode(job.file(position)[1]).decode(), "url": None}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"status": status}
