"""minimax: Hailuo videos by version 1 of MiniMax's API, as far as its pages tell:

POST /v1/video_generation {model, prompt, duration?, resolution?, first_frame_image?, last_frame_image?, …, callback_url?}
     → {task_id, base_resp}
GET  /v1/query/video_generation?task_id= → {task_id, status: Preparing | Queueing | Processing | Success | Fail, file_id, base_resp}
GET  /v1/files/retrieve?file_id= → {file: {download_url, …}, base_resp}
errors: HTTP 200 with base_resp {status_code, status_msg}; a job that is not there is 2013
calls: first POST {"challenge"} to callback_url, to be answered with the same within 3 s; then the query's answer, statuses in lower case

Whether a submit fails where nobody answers its challenge is told nowhere: it does with `insists`, else no calls are made. `a_minute`: how
many submits are taken.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Call
from .rules import Rate, Rule, address, one_of, picture, text, truth
from .simulator import Simulator

WHY = {
    "unauthenticated": 1004,
    "no_money": 1008,
    "invalid": 2013,
    "not_found": 2013,
    "moderated": 1026,
    "busy": 1002,
}
CODES = {400: 2013, 401: 1004, 403: 1004, 429: 1002, 500: 1000, 503: 1024}
CHALLENGE = "a-challenge-of-minimax"

FIELDS: dict[str, Rule] = {
    "model": text(100),
    "prompt": text(2000),
    "prompt_optimizer": truth,
    "fast_pretreatment": truth,
    "duration": one_of(6, 10),
    "resolution": one_of("512P", "768P", "1080P"),
    "first_frame_image": picture,
    "last_frame_image": picture,
    "callback_url": address,
    "aigc_watermark": truth,
}
MODELS = {"MiniMax-Hailuo-2.3", "MiniMax-Hailuo-2.3-Fast", "MiniMax-Hailuo-02"}


class Knocks:
    """What both versions do before they take a job that is to be called about."""

    insists: bool
    unanswered: set[str]  # addresses

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        if not (url := self.address_of(body)):
            return
        called = await self._call(url, {"challenge": CHALLENGE})
        if _said(called.answer) == {"challenge": CHALLENGE}:
            return
        if self.insists:
            raise self.refuse("invalid", "invalid params, callback_url does not answer the challenge")
        self.unanswered.add(url)

    async def _calls(self, job: UpstreamJob, order: Call) -> None:
        if job.address not in self.unanswered:
            await super()._calls(job, order)


class MiniMax(Knocks, Simulator):
    KEY = "simulated-minimax-key"
    DOORS = (*Simulator.DOORS, "file")
    HONOURS_TOKEN = False

    def __init__(self, *, insists: bool = False, a_minute: int | None = None, **more: Any):
        super().__init__(**more)
        self.insists, self.unanswered = insists, set()
        self._rate = Rate(a_minute, within_s=60)

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path:
            case "POST", "/v1/video_generation":
                return "submit", ""
            case "GET", "/v1/query/video_generation" if query.keys() == {"task_id"}:
                return ("check" if query["task_id"] == "0" else "poll"), query["task_id"]
            case "GET", "/v1/files/retrieve" if query.keys() == {"file_id"}:
                return "file", query["file_id"]
            case "GET", _ if path.startswith("/results/"):
                return "result", path.removeprefix("/results/")
        raise Refusal(404, 1000, f"there is no {method} {path}")

    def address_of(self, body: Mapping[str, Any]) -> str:
        return str(body.get("callback_url", ""))

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        for name, value in body.items():
            if name not in FIELDS or not FIELDS[name](value):
                raise self.refuse("invalid", f"invalid params, {name} is {'invalid' if name in FIELDS else 'unknown'}")
        if body.get("model") not in MODELS:
            raise self.refuse("invalid", f"invalid params, model {body.get('model')}")
        self._check_model(body["model"], body)
        return "", body["model"], 1

    def _check_model(self, model: str, body: Mapping[str, Any]) -> None:
        """What one model takes and another does not."""
        if "first_frame_image" not in body and ("prompt" not in body or model.endswith("-Fast") or "last_frame_image" in body):
            raise self.refuse("invalid", "invalid params, first_frame_image is required")
        if "last_frame_image" in body and model != "MiniMax-Hailuo-02":
            raise self.refuse("invalid", "invalid params, last_frame_image is not supported")
        if body.get("resolution") == "1080P" and body.get("duration") == 10:
            raise self.refuse("invalid", "invalid params, 1080P supports 6s only")
        if body.get("resolution") == "512P" and (model != "MiniMax-Hailuo-02" or "first_frame_image" not in body):
            raise self.refuse("invalid", "invalid params, resolution 512P is not supported")

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        if not self._rate.takes(time.time()):
            raise self.refuse("busy", "rate limit")
        await super().before_accepting(body)

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = True
        return job

    def _file(self, file_id: str) -> dict:
        job = self._job(file_id[1:])
        url = f"{self.url}/results/{job.id}/0"
        return well({"file": {"file_id": file_id, "filename": "output.mp4", "purpose": "video_generation", "download_url": url}})

    def _check(self, id: str) -> dict:
        return self.write_refusal(self.refuse("not_found", f"invalid params, task {id} is not found"))

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"1769{number:014}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(200, WHY[why], message, field)

    def code_for(self, status: int) -> int:
        return CODES.get(status, 1000)

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"base_resp": {"status_code": refusal.code, "status_msg": refusal.message}}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return well({"task_id": job.id})

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {"task_id": job.id, "status": "Queueing" if job.progress(now) < 0.1 else "Processing", "file_id": ""}
        if not job.is_over(now):
            return well(shown)
        if job.fate.error == "moderated":
            return shown | {"status": "Fail", "base_resp": {"status_code": 1027, "status_msg": "output content is sensitive"}}
        if job.fate.error:
            return well(shown | {"status": "Fail"})
        file_id = f"9{job.id}" if job.outputs else ""
        return well(shown | {"status": "Success", "file_id": file_id, "video_width": 1366, "video_height": 768})

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"status": status, "file_id": ""}

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        shown = self.write_job(job, time.time())
        word = {"Success": "success", "Fail": "failed"}.get(shown["status"], "processing")
        return shown | {"status": word}


def well(said: dict[str, Any]) -> dict[str, Any]:
    return said | {"base_resp": {"status_code": 0, "status_msg": "success"}}


def _said(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None
