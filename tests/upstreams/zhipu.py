"""zhipu: videos and pictures of Zhipu's BigModel, as far as its pages tell; paths are below its base URL.

POST /videos/generations {model, prompt | image_url, …, request_id?} → {id, model, request_id, task_status: PROCESSING}
POST /async/images/generations {model: glm-image, prompt, …} → the same
POST /images/generations {model, prompt, …} → {created, data: [{url}], content_filter}, once it is drawn
GET  /async-result/{id} → {task_status: PROCESSING | SUCCESS | FAIL, video_result | image_result, content_filter?}
error: {"error": {code, message}}; `spells`: whether codes are texts, or numbers without the envelope, as one page shows them

A request_id that comes twice buys twice, unless it `refuses`, as older lists of codes say; then the refusal names no task.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rules, Wrong, address, judge, list_of, one_of, text, truth
from .simulator import Simulator

VIDEOS, IMAGES, LATER_IMAGES, RESULTS = "/videos/generations", "/images/generations", "/async/images/generations", "/async-result"
WHY = {
    "invalid": (400, "1214"),
    "missing": (400, "1213"),
    "unknown": (400, "1210"),
    "moderated": (400, "1301"),
    "no_model": (400, "1211"),
    "seen": (400, "1231"),
    "not_found": (404, "1233"),
    "unauthenticated": (401, "1000"),
    "busy": (429, "1302"),
    "no_money": (429, "1113"),
    "unavailable": (429, "1305"),
}
CODES = {400: "1210", 401: "1000", 403: "1220", 404: "1233", 429: "1302", 500: "1234"}
MODELS = {
    VIDEOS: {"cogvideox-3", "cogvideox-2", "cogvideox-flash"},
    IMAGES: {"glm-image", "cogview-4", "cogview-4-250304", "cogview-3-flash"},
    LATER_IMAGES: {"glm-image"},
}
MARKS: Rules = {"model": text(64), "request_id": text(64, least=6), "user_id": text(128, least=6), "watermark_enabled": truth}
SIZES = ("1280x720", "720x1280", "1024x1024", "1920x1080", "1080x1920", "2048x1080", "3840x2160")
PICTURE: Rules = MARKS | {"prompt": text(1000), "size": text(9, least=7), "quality": one_of("hd", "standard")}
FIELDS: dict[str, Rules] = {
    VIDEOS: MARKS
    | {
        "prompt": text(512),
        "image_url": lambda value: address(value) or list_of(address, 1, 2)(value),
        "quality": one_of("speed", "quality"),
        "with_audio": truth,
        "size": one_of(*SIZES),
        "fps": one_of(30, 60),
        "duration": one_of(5, 10),
    },
    IMAGES: PICTURE,
    LATER_IMAGES: PICTURE,
}


class Zhipu(Simulator):
    HONOURS_TOKEN = False

    def __init__(self, *, spells: bool = True, refuses: bool = False, **more: Any):
        super().__init__(**more)
        self.spells, self.refuses = spells, refuses
        self.orders: dict[str, str] = {}  # by task id, where it was ordered

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        below, _, id = path.rpartition("/")
        match method:
            case "POST" if path in FIELDS:
                return "submit", ""
            case "GET" if below == RESULTS:
                return ("poll", id) if id in self.jobs else ("check", "")
            case "GET" if path.startswith("/results/"):
                return "result", path.removeprefix("/results/")
        raise Refusal(404, "1200", f"there is no {method} {path}")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path, "body": body}

    def token_of(self, ordered: Mapping[str, Any]) -> str:
        return str(ordered["body"].get("request_id", ""))

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        path, body, token = ordered["path"], ordered["body"], self.token_of(ordered)
        try:
            judge(body, FIELDS[path], needs=("model",) if path == VIDEOS else ("model", "prompt"))
        except Wrong as fault:
            raise self.refuse(fault.why, str(fault)) from None
        if body["model"] not in MODELS[path]:
            raise self.refuse("no_model", f"there is no model {body['model']}")
        if not body.keys() & {"prompt", "image_url"}:
            raise self.refuse("missing", "prompt and image_url cannot both be empty")
        two = isinstance(body.get("image_url"), list) and len(body["image_url"]) == 2
        if two and (body["model"] != "cogvideox-3" or body.get("quality") == "quality"):
            raise self.refuse("invalid", "a last frame goes with cogvideox-3 and speed only")
        if self.refuses and token in self._by_token:
            raise self.refuse("seen", f"you already have request {token}")
        return token, body["model"], 1

    # What is answered

    def _accept(self, ordered: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(ordered)
        self.orders[job.id], job.makes_video = ordered["path"], ordered["path"] == VIDEOS
        return job

    async def accepted(self, job: UpstreamJob) -> None:
        while self.orders[job.id] == IMAGES and not job.is_over(time.time()):
            await asyncio.sleep(0.02)

    def new_id(self, number: int) -> str:
        return f"43181752647475473-{number:019}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "1234")

    def write_refusal(self, refusal: Refusal) -> dict:
        if self.spells:
            return {"error": {"code": str(refusal.code), "message": refusal.message}}
        return {"code": int(refusal.code), "message": refusal.message}

    def write_check(self) -> dict:
        raise self.refuse("not_found", "there is no such task")

    def write_status(self, body: dict, status: str) -> dict:
        return {name: value for name, value in body.items() if not name.endswith("_result")} | {"task_status": status}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        if self.orders[job.id] != IMAGES:
            return {"id": job.id, **self._about(job), "task_status": "PROCESSING"}
        if job.fate.error:
            return {"created": int(now), "data": [], "content_filter": _found_by_filter(job)}
        return {"created": int(now), "data": [{"url": url} for url in self._urls(job)], "content_filter": []}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {**self._about(job), "task_status": "PROCESSING"}
        if not job.is_over(now):
            return shown
        if job.fate.error:
            return shown | {"task_status": "FAIL", "content_filter": _found_by_filter(job)}
        made = [{"url": url} | ({"cover_image_url": f"{url}?cover"} if job.makes_video else {}) for url in self._urls(job)]
        return shown | {"task_status": "SUCCESS", "video_result" if job.makes_video else "image_result": made}

    def _about(self, job: UpstreamJob) -> dict[str, str]:
        return {"model": job.model, "request_id": job.token}

    def _urls(self, job: UpstreamJob) -> list[str]:
        return [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs)]


def _found_by_filter(job: UpstreamJob) -> list[dict[str, Any]]:
    """Nothing else tells why a task failed."""
    return [{"role": "assistant", "level": 1}] if job.fate.error == "moderated" else []
