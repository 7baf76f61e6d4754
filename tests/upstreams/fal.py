"""fal: the queue of fal.ai, as far as its pages tell; `Authorization: Key KEY`:

POST /{model}?fal_webhook=URL, the model's own input → {request_id, status: IN_QUEUE, response_url, status_url, cancel_url}
GET  /{owner}/{app}/requests/{id}/status → 202 while it is IN_QUEUE or IN_PROGRESS, 200 once it is COMPLETED, well or not
GET  /{owner}/{app}/requests/{id} → the model's output, or its error     PUT …/{id}/cancel → 202 {"status": "CANCELLATION_REQUESTED"}
GET  /.well-known/jwks.json → the public keys of its calls
errors: {"detail": text, "error_type"?}, or of a model 422 {"detail": [{loc, msg, type}]}
calls: once a job is over, signed by Ed25519 over request id, user id, timestamp and the body's SHA-256

A job waits for the first tenth of its time.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Call, Order
from .rules import Rule, address, one_of, text, truth, whole
from .simulator import Simulator

WHY = {
    "unauthenticated": (401, ""),
    "no_money": (403, ""),
    "invalid": (422, "value_error"),
    "missing": (422, "missing"),
    "unknown": (422, "extra_forbidden"),
    "moderated": (422, "content_policy_violation"),
    "not_found": (404, ""),
    "no_model": (404, ""),
    "too_late": (400, "ALREADY_COMPLETED"),
    "busy": (429, ""),
    "unavailable": (503, "runner_scheduling_failure"),
}
CODES = {400: "bad_request", 500: "runner_server_error", 502: "runner_incomplete_response", 503: "runner_scheduling_failure"}
UNFINISHED = ("IN_QUEUE", "IN_PROGRESS", "CANCELLATION_REQUESTED")  # told with HTTP 202
TEXTS = {"no_money": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing. "}


def is_size(value: Any) -> bool:
    sides = (
        isinstance(value, dict) and value.keys() == {"width", "height"} and all(type(side) is int and side > 0 for side in value.values())
    )
    return sides or value in ("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9")


SEED: dict[str, Rule] = {"seed": whole(0, 2147483647)}
FLUX: dict[str, Rule] = {
    "prompt": text(5000),
    "image_size": is_size,
    "num_images": whole(1, 4),
    "num_inference_steps": whole(1, 50),
    "output_format": one_of("jpeg", "png"),
    "enable_safety_checker": truth,
    "sync_mode": truth,
    **SEED,
}
WAN: dict[str, Rule] = {
    "prompt": text(5000),
    "negative_prompt": text(500),
    "duration": whole(2, 15),
    "resolution": one_of("720p", "1080p"),
    "enable_prompt_expansion": truth,
    **SEED,
}
MODELS: dict[str, tuple[dict[str, Rule], tuple[str, ...]]] = {
    "fal-ai/flux/schnell": (FLUX, ("prompt",)),
    "fal-ai/flux/dev": (FLUX, ("prompt",)),
    "fal-ai/wan/v2.7/text-to-video": (WAN | {"aspect_ratio": one_of("16:9", "9:16", "1:1", "4:3", "3:4")}, ("prompt",)),
    "fal-ai/wan/v2.7/image-to-video": (WAN | {"image_url": address, "end_image_url": address}, ("prompt", "image_url")),
}


class Fal(Simulator):
    KEY = "simulated-id:simulated-secret"
    USER_ID = "simulated-user"
    DOORS = (*Simulator.DOORS, "output", "keys")
    HONOURS_TOKEN = False

    def __init__(self, **more: Any):
        super().__init__(**more)
        self._signs_with = Ed25519PrivateKey.generate()

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def check_key(self, request: web.BaseRequest) -> None:
        if request.headers.get("Authorization") != f"Key {self.KEY}" and not request.path.startswith("/.well-known"):
            raise self.refuse("unauthenticated", "Authentication is required to access this application.")

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "GET", [".well-known", "jwks.json"]:
                return "keys", ""
            case "GET", ["results", id, position] if position.isdecimal():
                return "result", f"{id}/{position}"
            case "POST", [_, _, *_]:
                return "submit", ""
            case "GET", [owner, app, "requests", id, "status"]:
                return ("check" if id.startswith("00000000-0000-0000") else "poll"), self._below(owner, app, id)
            case "GET", [owner, app, "requests", id]:
                return "output", self._below(owner, app, id)
            case "PUT", [owner, app, "requests", id, "cancel"]:
                return "cancel", self._below(owner, app, id)
        raise self.refuse("not_found", f"Path {path} not found")

    def _below(self, owner: str, app: str, id: str) -> str:
        """The id, if its job is one of this app's."""
        return id if id in self.jobs and app_of(self.jobs[id]) == f"{owner}/{app}" else f"{id}-not-there"

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"model": request.path.strip("/"), "webhook": request.query.get("fal_webhook", ""), "body": body}

    def address_of(self, ordered: Mapping[str, Any]) -> str:
        return ordered["webhook"]

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        model, body = ordered["model"], ordered["body"]
        if model not in MODELS:
            raise self.refuse("no_model", f"Application '{model}' not found")
        rules, needed = MODELS[model]
        for name in needed:
            if name not in body:
                raise self.refuse("missing", "Field required", name)
        for name, value in body.items():
            if name not in rules:
                raise self.refuse("unknown", "Extra inputs are not permitted", name)
            if not rules[name](value):
                raise self.refuse("invalid", "Input is not valid", name)
        return "", model, body.get("num_images", 1)

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = job.model.endswith("-video")
        return job

    async def _answer(self, request: web.BaseRequest, order: Order | None, body: dict) -> web.StreamResponse:
        response = await super()._answer(request, order, body)
        if (
            request.method != "POST"
            and response.status == 200
            and body.get("status") in ("IN_QUEUE", "IN_PROGRESS", "CANCELLATION_REQUESTED")
        ):
            response.set_status(202)
        return response

    def _output(self, id: str) -> dict:
        job = self._job(id)
        if not job.is_over(time.time()):
            raise Refusal(400, "bad_request", "Request is still in progress")
        match job.fate.error:
            case "moderated":
                raise self.refuse("moderated", "The content could not be processed because it was flagged by a checker.", "prompt")
            case "broken":
                raise Refusal(500, "runner_server_error", "the model could not finish")
        return self._made(job)

    def _made(self, job: UpstreamJob) -> dict[str, Any]:
        kind = job.file(0)[0]
        files = [{"url": f"{self.url}/results/{job.id}/{n}", "content_type": kind} for n in range(job.outputs)]
        if job.makes_video:
            return {"video": files[0] if files else None, "seed": 7}
        return {"images": files, "seed": 7, "has_nsfw_concepts": [False] * len(files)}

    def _cancel(self, id: str) -> dict:
        job = self._job(id)
        if job.is_over(time.time()):
            raise self.refuse("too_late", "")
        super()._cancel(id)
        return {"status": "CANCELLATION_REQUESTED"}

    def _check(self, id: str) -> dict:
        return self.write_refusal(self.refuse("not_found", "Request not found"))

    def _keys(self, _: str) -> dict:
        public = self._signs_with.public_key().public_bytes_raw()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": urlsafe_b64encode(public).decode().rstrip("=")}]}

    async def _result(self, request: web.BaseRequest, about: str) -> web.StreamResponse:
        try:
            return await super()._result(request, about)
        except Refusal:
            return web.Response(status=404)  # of the bucket that serves it

    def new_id(self, number: int) -> str:
        return f"5b0c0000-0000-4000-8000-{number:012}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], TEXTS.get(why, "") + message, field)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "")

    def write_refusal(self, refusal: Refusal) -> dict:
        if refusal.code == "ALREADY_COMPLETED":
            return {"status": refusal.code}
        if refusal.status == 422:
            place = ["body", refusal.field] if refusal.field else ["body"]
            return {"detail": [{"loc": place, "msg": refusal.message, "type": refusal.code, "ctx": {}}]}
        return {"detail": refusal.message} | ({"error_type": refusal.code} if refusal.code else {})

    def state(self, job: UpstreamJob, now: float) -> str:
        return "COMPLETED" if job.is_over(now) else "IN_QUEUE" if job.progress(now) < 0.1 else "IN_PROGRESS"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        at = f"{self.url}/{app_of(job)}/requests/{job.id}"
        shown = {
            "request_id": job.id,
            "status": self.state(job, now),
            "response_url": at,
            "status_url": f"{at}/status",
            "cancel_url": f"{at}/cancel",
        }
        if job.is_canceled:
            return shown | {"error": "Request was cancelled by the client", "error_type": "client_cancelled"}
        if job.is_over(now) and job.fate.error == "broken":
            return shown | {"error": "the model could not finish", "error_type": "runner_server_error"}
        return shown

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return self.write_job(job, now) | {"status": "IN_QUEUE", "queue_position": 0}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"status": status}

    # Calls

    async def _calls(self, job: UpstreamJob, order: Call) -> None:
        """Only when a job is over."""
        await super()._calls(job, Call(times=order.times, early=True, late_s=order.late_s, about=order.about))

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        said = {"request_id": job.id, "gateway_request_id": job.id}
        if job.fate.error or job.is_canceled:
            return said | {"status": "ERROR", "error": "the model could not finish", "payload": {"detail": []}}
        return said | {"status": "OK", "payload": self._made(job) if job.is_over(time.time()) else None}

    def sign_call(self, url: str, told: bytes | AsyncIterator[bytes]) -> Mapping[str, str]:
        assert isinstance(told, bytes)
        stamp = str(int(time.time()))
        signed = message(json.loads(told)["request_id"], self.USER_ID, stamp, told)
        return {
            "X-Fal-Webhook-Request-Id": json.loads(told)["request_id"],
            "X-Fal-Webhook-User-Id": self.USER_ID,
            "X-Fal-Webhook-Timestamp": stamp,
            "X-Fal-Webhook-Signature": self._signs_with.sign(signed).hex(),
        }


def app_of(job: UpstreamJob) -> str:
    return "/".join(job.model.split("/")[:2])


def message(request_id: str, user_id: str, stamp: str, body: bytes) -> bytes:
    """What is signed of a call."""
    return "\n".join((request_id, user_id, stamp, hashlib.sha256(body).hexdigest())).encode()
