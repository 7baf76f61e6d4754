"""minimax_images: pictures by version 1 of MiniMax's API, as far as its pages tell:

POST /v1/image_generation {model, prompt, aspect_ratio?, n?, seed?, response_format?, …}
     → {id, data: {image_urls}, metadata: {success_count, failed_count}, base_resp}
GET  /v1/query/video_generation?task_id= of a job that is not there → 2013
errors: HTTP 200 with base_resp {status_code, status_msg}

The answer comes when the pictures are made. `a_minute`: how many orders are taken.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .minimax import CODES, WHY, well
from .rules import Rate, Rule, anything, one_of, text, truth, whole
from .simulator import Simulator

FIELDS: dict[str, Rule] = {
    "model": text(100),
    "prompt": text(1500),
    "aspect_ratio": one_of("1:1", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "21:9"),
    "n": whole(1, 9),
    "seed": whole(0, 2**63),
    "response_format": one_of("url", "base64"),
    "prompt_optimizer": truth,
    "subject_reference": anything,
    "aigc_watermark": truth,
}


class MiniMaxImages(Simulator):
    KEY = "simulated-minimax-key"
    HONOURS_TOKEN = False

    def __init__(self, *, a_minute: int | None = None, **more: Any):
        super().__init__(**more)
        self._rate = Rate(a_minute, within_s=60)

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path:
            case "POST", "/v1/image_generation":
                return "submit", ""
            case "GET", "/v1/query/video_generation":
                return "check", query.get("task_id", "")
            case "GET", _ if path.startswith("/results/"):
                return "result", path.removeprefix("/results/")
        raise Refusal(404, 1000, f"there is no {method} {path}")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        for name, value in body.items():
            if name not in FIELDS or not FIELDS[name](value):
                raise self.refuse("invalid", f"invalid params, {name} is {'invalid' if name in FIELDS else 'unknown'}")
        if body.get("model") not in ("image-01", "image-01-live") or "prompt" not in body:
            raise self.refuse("invalid", "invalid params, model and prompt are required")
        return "", body["model"], body.get("n", 1)

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        if not self._rate.takes(time.time()):
            raise self.refuse("busy", "rate limit")

    async def accepted(self, job: UpstreamJob) -> None:
        await super().accepted(job)
        while not job.is_over(time.time()):
            await asyncio.sleep(0.02)

    # What is answered

    def _check(self, id: str) -> dict:
        return self.write_refusal(self.refuse("not_found", f"invalid params, task {id} is not found"))

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"03ff3cd0820949eb{number:08}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(200, WHY[why], message, field)

    def code_for(self, status: int) -> int:
        return CODES.get(status, 1000)

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"base_resp": {"status_code": refusal.code, "status_msg": refusal.message}}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        if job.fate.error == "moderated":
            return {"id": job.id, "base_resp": {"status_code": 1027, "status_msg": "output content is sensitive"}}
        made = 0 if job.fate.error else job.outputs
        urls = [f"{self.url}/results/{job.id}/{position}" for position in range(made)]
        failed = job.count - made if job.fate.error or made else 0
        return well({"id": job.id, "data": {"image_urls": urls}, "metadata": {"success_count": made, "failed_count": failed}})
