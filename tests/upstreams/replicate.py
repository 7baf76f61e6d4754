"""replicate: predictions of replicate.com, as far as its pages tell, below /v1:

POST /models/{owner}/{name}/predictions {input, webhook?, webhook_events_filter?} → 201 and the prediction
GET  /predictions/{id}      POST /predictions/{id}/cancel → the prediction; one that is over as it is
GET  /predictions?created_after=&created_before=&cursor= → {next, previous, results: newest first, a hundred a page}
GET  /account
prediction: {id, model, status: starting | processing | succeeded | failed | canceled | aborted, input, output, error, logs, metrics, …}
errors: {title, detail, status}; 429 with retry_after in the body
calls: the prediction to `webhook` (https, or this machine), signed as Standard Webhooks has it

A prediction starts for the first tenth of its time; an hour after its end its input and output are gone. `a_minute`: how many are taken.
"""

import base64
import hmac
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Order
from .rules import Rate, Rule, address, list_of, one_of, text, truth, whole
from .simulator import Simulator

API = "/v1"
PAGE = 100
KEPT_S = 3600
WHY = {
    "unauthenticated": (401, "Unauthenticated"),
    "no_money": (402, "Insufficient credit"),
    "invalid": (422, "Input validation failed"),
    "not_found": (404, "Not found"),
    "no_model": (404, "Not found"),
    "busy": (429, "Too many requests"),
}
ENDINGS = {"moderated": "NSFW content detected. Try a different prompt. (E005)", "broken": "Prediction failed: out of memory (E1001)"}


def is_webhook(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("https://", "http://127.0.0.1"))


FLUX: dict[str, Rule] = {
    "prompt": text(5000),
    "aspect_ratio": one_of("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"),
    "num_outputs": whole(1, 4),
    "seed": whole(0, 4294967295),
    "output_format": one_of("webp", "jpg", "png"),
    "disable_safety_checker": truth,
}
SEEDANCE: dict[str, Rule] = {
    "prompt": text(5000),
    "image": address,
    "last_frame_image": address,
    "duration": whole(2, 12),
    "resolution": one_of("480p", "720p", "1080p"),
    "aspect_ratio": one_of("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "9:21"),
    "camera_fixed": truth,
    "seed": whole(0, 4294967295),
}
MODELS = {"black-forest-labs/flux-schnell": FLUX, "black-forest-labs/flux-dev": FLUX, "bytedance/seedance-1-pro": SEEDANCE}
FIELDS: dict[str, Rule] = {
    "input": lambda value: isinstance(value, dict),
    "webhook": is_webhook,
    "webhook_events_filter": list_of(one_of("start", "output", "logs", "completed"), 1, 4),
}


class Replicate(Simulator):
    KEY = "r8_simulated-key"
    SECRET = "whsec_" + base64.b64encode(b"simulated-secret-of-32-bytes-abc").decode()
    HONOURS_TOKEN = False

    def __init__(self, *, a_minute: int | None = None, **more: Any):
        super().__init__(**more)
        self._rate = Rate(a_minute, within_s=60)
        self.orders: dict[str, Mapping[str, Any]] = {}  # by job id

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.removeprefix(API).strip("/").split("/"):
            case "GET", ["results", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
            case "POST", ["models", _, _, "predictions"]:
                return "submit", ""
            case "GET", ["predictions"] if query.keys() <= {"created_after", "created_before", "cursor"}:
                return "find", urlencode(query)
            case "GET", ["predictions", id]:
                return "poll", id
            case "POST", ["predictions", id, "cancel"]:
                return "cancel", id
            case "GET", ["account"]:
                return "check", ""
        raise self.refuse("not_found", f"there is no {method} {path}")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        _, owner, name, _ = request.path.removeprefix(API).strip("/").split("/")
        return {"model": f"{owner}/{name}", "body": body}

    def address_of(self, ordered: Mapping[str, Any]) -> str:
        return ordered["body"].get("webhook", "")

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        model, body = ordered["model"], ordered["body"]
        if model not in MODELS:
            raise self.refuse("no_model", "The requested resource could not be found.")
        self._judge(body, FIELDS, "")
        if "input" not in body or "prompt" not in body["input"]:
            raise self.refuse("invalid", "- input: prompt is required")
        self._judge(body["input"], MODELS[model], "input.")
        return "", model, body["input"].get("num_outputs", 1)

    def _judge(self, given: Mapping[str, Any], rules: Mapping[str, Rule], below: str) -> None:
        for name, value in given.items():
            if name not in rules or not rules[name](value):
                raise self.refuse("invalid", f"- {below}{name} is {'invalid' if name in rules else 'not allowed'}")

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        if not self._rate.takes(time.time()):
            raise self.refuse("busy", "Request was throttled. Your rate limit resets in ~5s.")

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.orders[job.id], job.makes_video = body["body"]["input"], MODELS[job.model] is SEEDANCE
        return job

    async def _answer(self, request: web.BaseRequest, order: Order | None, body: dict) -> web.StreamResponse:
        response = await super()._answer(request, order, body)
        if request.method == "POST" and request.path.startswith(f"{API}/models/") and response.status == 200:
            response.set_status(201)
        return response

    def _find(self, query: str) -> dict:
        if query.endswith("-not-there"):
            return {"next": None, "previous": None, "results": []}  # as ordered
        asked = dict(parse_qsl(query))
        after, start = _seconds(asked.get("created_after")), int(asked.get("cursor", 0))
        made = [job for job in reversed(self.jobs.values()) if after is None or job.created_at > after]
        later = f"{self.url}{API}/predictions?created_after={quote(asked.get('created_after', ''))}&cursor={start + PAGE}"
        return {
            "next": later if len(made) > start + PAGE else None,
            "previous": None,
            "results": [self.write_job(job, time.time()) for job in made[start : start + PAGE]],
        }

    def _cancel(self, id: str) -> dict:
        if not self._job(id).is_over(time.time()):
            return super()._cancel(id)
        return self.write_job(self._job(id), time.time())

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"k3v9q2rz5drm80c6{number:06}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return "as ordered"

    def write_refusal(self, refusal: Refusal) -> dict:
        said = {"title": refusal.code, "detail": refusal.message, "status": refusal.status}
        return said | ({"retry_after": 5} if refusal.status == 429 else {})

    def state(self, job: UpstreamJob, now: float) -> str:
        if not job.is_over(now):
            return "starting" if job.progress(now) < 0.1 else "processing"
        return "canceled" if job.is_canceled else "failed" if job.fate.error else "succeeded"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        state, is_removed = self.state(job, now), now > job.done_at + KEPT_S
        shown: dict[str, Any] = {
            "id": job.id,
            "model": job.model,
            "version": "hidden",
            "status": state,
            "input": {} if is_removed else self.orders[job.id],
            "output": None,
            "error": ENDINGS[job.fate.error] if state == "failed" else None,
            "logs": f"\r {round(100 * job.progress(now))}%|███       | 3/10 [00:01<00:02]" if state == "processing" else "",
            "metrics": {},
            "data_removed": is_removed,
            "source": "api",
            "created_at": _told(job.created_at),
            "completed_at": _told(job.done_at) if job.is_over(now) else None,
            "urls": {"get": f"{self.url}{API}/predictions/{job.id}"},
        }
        if state != "succeeded" or is_removed:
            return shown
        urls = [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs)]
        return shown | {"output": (urls[0] if urls else None) if job.makes_video else urls, "metrics": {"predict_time": 1.5}}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"status": status, "output": None}

    def write_check(self) -> dict:
        return {"type": "organization", "username": "acme", "name": "Acme"}

    # Calls

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        return self.write_job(job, time.time())

    def sign_call(self, url: str, told: bytes | AsyncIterator[bytes]) -> Mapping[str, str]:
        assert isinstance(told, bytes)
        id, stamp = f"msg_{len(self.called) + 1}", str(int(time.time()))
        signed = f"{id}.{stamp}.".encode() + told
        signature = base64.b64encode(hmac.digest(base64.b64decode(self.SECRET.removeprefix("whsec_")), signed, "sha256")).decode()
        return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def _told(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


def _seconds(told: str | None) -> float | None:
    return datetime.fromisoformat(told).timestamp() if told else None
