"""jimeng: Jimeng's tasks by Volcengine's visual API (2022-08-31), as far as its pages tell.

POST /?Action=CVSync2AsyncSubmitTask&Version=… {req_key, prompt, …} → {code: 10000, data: {task_id}}
POST /?Action=CVSync2AsyncGetResult&Version=… {req_key, task_id, req_json?}
→ {code: 10000, data: {status: in_queue | generating | done | not_found | expired, video_url, image_urls, binary_data_base64}}
errors: {code, data: null, message}, also of a task that failed; of a request whose signature is wrong {ResponseMetadata: {Error: {Code}}}

Pictures come as URLs where `req_json` says return_url, and as base64 else. `parallel`: how many may be open; None: any number.
"""

import base64
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from . import volcengine_signature
from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rules, Wrong, address, judge, list_of, number, one_of, text, truth, whole
from .simulator import Simulator

SUBMIT, QUERY, VERSION = "CVSync2AsyncSubmitTask", "CVSync2AsyncGetResult", "2022-08-31"
SCOPE = ("cn-north-1", "cv")
WELL = 10000
WHY: dict[str, tuple[int, int | str]] = {
    "invalid": (400, 50215),
    "moderated": (400, 50412),
    "busy": (429, 50429),
    "parallel": (429, 50430),
    "unavailable": (400, 50520),
    "no_money": (401, 50400),
    "unauthenticated": (401, "SignatureDoesNotMatch"),
    "not_found": (200, WELL),
}
CODES: dict[int, int | str] = {400: 50215, 401: "InvalidAccessKey", 403: "AccessDenied", 429: 50429}
SEED = whole(-1, 2**31 - 1)
VIDEO: Rules = {"req_key": text(64), "prompt": text(800), "seed": SEED, "frames": one_of(121, 241)}
RATIO: Rules = {"aspect_ratio": one_of("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")}
PICTURE: Rules = {"req_key": text(64), "prompt": text(800), "seed": SEED, "width": whole(512, 2048), "height": whole(512, 2048)}
FOURTH: Rules = PICTURE | {
    "image_urls": list_of(address, 1, 10),
    "size": whole(1024**2, 4096**2),
    "width": whole(256, 4096),
    "height": whole(256, 4096),
    "scale": number(0, 1),
    "force_single": truth,
}
FIELDS: dict[str, tuple[Rules, tuple[str, ...]]] = {
    "jimeng_ti2v_v30_pro": (VIDEO | RATIO | {"image_urls": list_of(address, 1, 1)}, ("prompt",)),
    **{f"jimeng_t2v_v30{size}": (VIDEO | RATIO, ("prompt",)) for size in ("", "_1080p")},
    **{f"jimeng_i2v_first_v30{size}": (VIDEO | {"image_urls": list_of(address, 1, 1)}, ("image_urls",)) for size in ("", "_1080")},
    **{f"jimeng_i2v_first_tail_v30{size}": (VIDEO | {"image_urls": list_of(address, 2, 2)}, ("image_urls",)) for size in ("", "_1080")},
    "jimeng_t2i_v30": (PICTURE, ("prompt",)),
    "jimeng_t2i_v31": (PICTURE, ("prompt",)),
    "jimeng_t2i_v40": (FOURTH, ("prompt",)),
}
ASKED: Rules = {"req_key": text(64), "task_id": text(64), "req_json": text(2000)}


class Jimeng(Simulator):
    ACCESS_KEY, SECRET_KEY = "AKLTsimulated", "c2ltdWxhdGVkLXNlY3JldA=="
    HONOURS_TOKEN = False

    def __init__(self, *, parallel: int | None = None, **more: Any):
        super().__init__(**more)
        self.parallel = parallel

    @property
    def credentials(self) -> dict[str, str]:
        return {"access_key": self.ACCESS_KEY, "secret_key": self.SECRET_KEY}

    # What is asked

    async def door_of(self, request: web.BaseRequest) -> tuple[str, str]:
        if request.method == "GET" and request.path.startswith("/results/"):
            return "result", request.path.removeprefix("/results/")
        await self._check_signature(request)
        action = request.query.get("Action")
        if (request.method, request.path) != ("POST", "/") or request.query.get("Version") != VERSION or action not in (SUBMIT, QUERY):
            raise Refusal(404, "InvalidActionOrVersion", "there is no such action")
        if action == SUBMIT:
            return "submit", ""
        asked = await request.json()
        self._judge(asked, ASKED, ("req_key", "task_id"))
        job = self.jobs.get(asked["task_id"])
        if job is None or job.model != asked["req_key"]:
            return "check", ""
        return "poll", f"{job.id} {asked.get('req_json', '{}')}"

    def check_key(self, request: web.BaseRequest) -> None:
        """Looked at with the door: a signature is over the whole request."""

    async def _check_signature(self, request: web.BaseRequest) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        about = {"query": request.query_string, "headers": headers, "body": await request.read(), "now": datetime.now(UTC)}
        try:
            volcengine_signature.check(self.ACCESS_KEY, self.SECRET_KEY, SCOPE, **about)
        except volcengine_signature.Wrong as fault:
            raise Refusal(401, str(fault), "the signature is not that of this request") from None

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        req_key = str(body.get("req_key"))
        if req_key not in FIELDS:
            raise self.refuse("invalid", f"there is no {req_key}")
        fields, needs = FIELDS[req_key]
        self._judge(body, fields, ("req_key", *needs))
        if ("width" in body) != ("height" in body):
            raise self.refuse("invalid", "width and height come together")
        if self.parallel is not None and sum(not job.is_over(time.time()) for job in self.jobs.values()) >= self.parallel:
            raise self.refuse("parallel", "Request Has Reached API Concurrent Limit")
        return "", req_key, 1

    def _judge(self, body: Any, rules: Rules, needs: tuple[str, ...]) -> None:
        try:
            judge(body, rules, needs=needs)
        except Wrong as fault:
            raise self.refuse("invalid", str(fault)) from None

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = "2v_" in job.model
        return job

    async def _poll(self, request: web.BaseRequest, about: str, order: Any) -> web.StreamResponse:
        id, _, self._req_json = about.partition(" ")
        return await super()._poll(request, id, order)

    def new_id(self, number: int) -> str:
        return f"7392616336{number:09}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message)

    def code_for(self, status: int) -> int | str:
        return CODES.get(status, 50500)

    def write_refusal(self, refusal: Refusal) -> dict:
        if isinstance(refusal.code, str) and not refusal.code.isdecimal():
            error = {"CodeN": 100010, "Code": refusal.code, "Message": refusal.message}
            return {"ResponseMetadata": {"RequestId": "sim", "Service": SCOPE[1], "Region": SCOPE[0], "Error": error}}
        code = int(refusal.code)
        return said(code, {"status": "not_found"} if code == WELL else None, refusal.message)

    def write_check(self) -> dict:
        return said(WELL, {"status": "not_found"})

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return said(WELL, {"task_id": job.id})

    def write_status(self, body: dict, status: str) -> dict:
        return said(WELL, {"status": status, "video_url": None, "image_urls": None, "binary_data_base64": None})

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown: dict[str, Any] = {"status": "generating", "video_url": None, "image_urls": None, "binary_data_base64": None}
        if not job.is_over(now):
            return said(WELL, shown | {"status": "in_queue" if job.waits(now) else "generating"})
        if job.fate.error == "moderated":
            raise Refusal(400, 50516 if job.makes_video else 50511, "Output Risk Not Pass")
        if job.fate.error:
            return said(WELL, shown | {"status": "expired"})
        return said(WELL, shown | {"status": "done", **self._results(job)})

    def _results(self, job: UpstreamJob) -> dict[str, Any]:
        urls = [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs)]
        if job.makes_video:
            return {"video_url": urls[0] if urls else ""}
        if json.loads(self._req_json).get("return_url"):
            return {"image_urls": urls}
        return {"binary_data_base64": [base64.b64encode(job.file(position)[1]).decode() for position in range(job.outputs)]}


def said(code: int, data: Mapping[str, Any] | None, message: str = "Success") -> dict[str, Any]:
    return {"code": code, "data": data, "message": message, "request_id": "sim", "status": code, "time_elapsed": "57ms"}
