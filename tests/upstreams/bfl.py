"""bfl: Black Forest Labs' API, as far as its pages tell; `x-key: KEY`:

POST /v1/{model} {prompt, width?, height?, aspect_ratio?, input_image?, …} → {id, polling_url, cost, input_mp, output_mp}
GET  /v1/credits → {credits}
GET  polling_url → {id, status: Pending | Ready | Request Moderated | Content Moderated | Error, progress, details, result: {sample, …}}
errors: {"detail": sentence}, or 422 {"detail": [{loc, msg, type}]}; a job that is not there is 200 with the status "Task not found"

Each job lives on a cluster, whose place is a part of the path here: asked for without it, it is not found; nor is it at the first `lag`
polls. `at_once`: how many it takes that are not over; None: any number.
"""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Order
from .rules import Rule, Rules, Wrong, address, judge, one_of, text, truth, whole
from .simulator import Simulator

CLUSTER = "eu2"
COST = 3.0
WHY = {
    "unauthenticated": (403, "Not authenticated"),
    "no_money": (402, "Insufficient credits"),
    "invalid": (422, ""),
    "not_found": (200, ""),
    "no_path": (404, "Not Found"),
    "no_model": (404, "Not Found"),
    "busy": (429, "Too many active tasks"),
    "unavailable": (503, "Service temporarily unavailable"),
}
ENDINGS = {"moderated": "Content Moderated", "broken": "Error"}


def side(step: int, least: int, most: int) -> Rule:
    return lambda value: whole(least, most)(value) and value % step == 0


def pictures(most: int) -> Rules:
    return {"input_image" if number == 1 else f"input_image_{number}": address for number in range(1, most + 1)}


COMMON: dict[str, Rule] = {
    "prompt": text(10_000),
    "seed": whole(0, 2**32),
    "output_format": one_of("jpeg", "png"),
    "safety_tolerance": whole(0, 6),
    "prompt_upsampling": truth,
    "webhook_url": address,
    "webhook_secret": text(200),
}
SIDES = {"width": side(16, 64, 65_536), "height": side(16, 64, 65_536)}
RATIO = {"aspect_ratio": one_of("21:9", "16:9", "3:2", "4:3", "1:1", "3:4", "2:3", "9:16", "9:21")}
FLUX_2: Rules = {**COMMON, **SIDES, **pictures(8)}
KLEIN: Rules = {**COMMON, **SIDES, **pictures(4)}
KONTEXT: Rules = {**COMMON, **RATIO, **pictures(8)}
MODELS: dict[str, Rules] = {
    "flux-2-max": FLUX_2,
    "flux-2-pro": FLUX_2,
    "flux-2-flex": {**FLUX_2, "steps": whole(1, 50)},
    "flux-2-klein-9b": KLEIN,
    "flux-2-klein-4b": KLEIN,
    "flux-kontext-max": KONTEXT,
    "flux-kontext-pro": KONTEXT,
    "flux-pro-1.1-ultra": {**COMMON, **RATIO, "raw": truth},
    "flux-pro-1.1": {**COMMON, "width": side(16, 256, 1440), "height": side(16, 256, 1440)},
}
MOST_PIXELS = 4_000_000


class Bfl(Simulator):
    KEY = "simulated-bfl-key"
    HONOURS_TOKEN = False

    def __init__(self, *, at_once: int | None = None, lag: int = 0, credits_left: float = 1000.0, **more: Any):
        super().__init__(**more)
        self.at_once, self.lag, self.credits_left = at_once, lag, credits_left

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def check_key(self, request: web.BaseRequest) -> None:
        if request.headers.get("x-key") != self.KEY:
            raise self.refuse("unauthenticated", "")

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "GET", ["v1", "credits"] if not query:
                return "check", ""
            case "GET", ["v1", "get_result"] if query.keys() == {"id"}:
                raise self.refuse("not_found", query["id"])  # no job lives here: it is asked about where its cluster is
            case "GET", [cluster, "v1", "get_result"] if cluster == CLUSTER and query.keys() == {"id"}:
                return "poll", query["id"]
            case "GET", ["results", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
            case "POST", ["v1", _]:
                return "submit", ""
        raise self.refuse("no_path", "")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"model": request.path.rpartition("/")[2], "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        model, body = ordered["model"], ordered["body"]
        if model not in MODELS:
            raise self.refuse("no_model", "")
        try:
            judge(body, MODELS[model], needs=("prompt",))
        except Wrong as wrong:
            raise self.refuse("invalid", f"is {wrong.why}", wrong.name) from None
        if body.get("width", 1024) * body.get("height", 1024) > MOST_PIXELS:
            raise self.refuse("invalid", "is too large", "width")
        return "", model, 1

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        now = time.time()
        if self.at_once is not None and sum(not job.is_over(now) for job in self.jobs.values()) >= self.at_once:
            raise self.refuse("busy", "")

    async def _poll(self, request: web.BaseRequest, id: str, order: Order | None) -> web.StreamResponse:
        if self._job(id).polls < self.lag:
            self._job(id).polls += 1
            raise self.refuse("not_found", id)
        return await super()._poll(request, id, order)

    # What is answered

    def write_check(self) -> dict:
        return {"credits": self.credits_left}

    def _job(self, id: str) -> UpstreamJob:
        if id not in self.jobs:
            raise self.refuse("not_found", id)
        return self.jobs[id]

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        if about.split("/")[0] not in self.jobs:
            return web.Response(status=404)  # of the bucket that serves it
        return await super()._result(request, about)

    def new_id(self, number: int) -> str:
        return f"4b8c0000-0000-4000-8000-{number:012}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        status, sentence = WHY[why]
        return Refusal(status, "", sentence or message, field)

    def code_for(self, status: int) -> str:
        return ""

    def write_refusal(self, refusal: Refusal) -> dict:
        if refusal.status == 200:
            return {"id": refusal.message, "status": "Task not found", "result": None}
        if refusal.status == 422:
            return {"detail": [{"loc": ["body", refusal.field], "msg": refusal.message, "type": "value_error"}]}
        return {"detail": refusal.message}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        url = f"{self.url}/{CLUSTER}/v1/get_result?id={job.id}"
        return {"id": job.id, "polling_url": url, "cost": COST, "input_mp": 0.0, "output_mp": 1.05}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {"id": job.id, "status": "Pending", "progress": round(job.progress(now), 2), "details": None, "result": None}
        if not job.is_over(now):
            return shown
        if job.fate.error:
            return shown | {"status": ENDINGS[job.fate.error]}
        url = f"{self.url}/results/{job.id}/0?se=2026&sig=x"
        return shown | {"status": "Ready", "result": {"sample": url, "prompt": "a kite", "seed": 42} if job.outputs else None}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"status": status, "result": None}
