"""openai: pictures of OpenAI's Images API, as far as its pages tell:

POST /v1/images/generations {model, prompt, n?, size?, quality?, background?, output_format?, …}
POST /v1/images/edits       the same with images: [{image_url} | {file_id}] and mask?
     → {created, background, output_format, quality, size, data: [{b64_json}], usage}
GET  /v1/models → {object: "list", data: [{id, object, created, owned_by, shutdown_date}]}
errors: {"error": {message, type, param, code}} with an HTTP status

The answer comes when the pictures are made. A model that fails while it draws is a 500, and what a picture shows may be refused then too.
"""

import asyncio
import base64
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rules, Wrong, judge, list_of, one_of, picture, shaped, text, whole
from .simulator import Simulator

# status, type, code
WHY: dict[str, tuple[int, str, str | None]] = {
    "unauthenticated": (401, "invalid_request_error", "invalid_api_key"),
    "no_money": (429, "insufficient_quota", "credit_balance_exhausted"),
    "busy": (429, "rate_limit_error", "rate_limit_exceeded"),
    "unavailable": (503, "service_unavailable_error", "server_is_overloaded"),
    "invalid": (400, "invalid_request_error", None),
    "moderated": (400, "image_generation_user_error", "moderation_blocked"),
    "no_model": (404, "invalid_request_error", "model_not_found"),
    "not_found": (404, "invalid_request_error", None),
    "broken": (500, "server_error", None),
}
TYPES = {401: "invalid_request_error", 429: "rate_limit_error", 503: "service_unavailable_error"}

QUALITIES = ("auto", "low", "medium", "high")
BETTER = (*QUALITIES, "xhigh", "max")
MODELS = {
    "gpt-image-2": QUALITIES,
    "gpt-image-2.5-sunburst": BETTER,
    "gpt-image-2.5-flare": BETTER,
    "gpt-image-2.6-sunburst": BETTER,
    "gpt-image-2.6-flare": BETTER,
}


def is_size(value: Any) -> bool:
    """`auto`, or sides that 16 divides, within 3840x2160 and no more than three times each other."""
    sides = [int(side) for side in str(value).split("x") if side.isdecimal()]
    if len(sides) != 2:
        return value == "auto"
    short, long = sorted(sides)
    return short > 0 and short % 16 == long % 16 == 0 and long <= 3 * short and long <= 3840 and short <= 2160


def is_reference(value: Any) -> bool:
    fields: Rules = {"image_url": picture, "file_id": text(100)}
    return shaped(fields)(value) and len(value) == 1


GENERATIONS: Rules = {
    "model": text(100),
    "prompt": text(32000),
    "n": whole(1, 10),
    "size": is_size,
    "quality": one_of(*BETTER),
    "background": one_of("auto", "opaque", "transparent"),
    "output_format": one_of("png", "jpeg", "webp"),
    "output_compression": whole(0, 100),
    "moderation": one_of("auto", "low"),
    "safety_identifier": text(64),
}
# By path: its fields, and those that it needs.
PATHS: dict[str, tuple[Rules, tuple[str, ...]]] = {
    "/v1/images/generations": (GENERATIONS, ("model", "prompt")),
    "/v1/images/edits": ({**GENERATIONS, "images": list_of(is_reference, 1, 16), "mask": is_reference}, ("model", "prompt", "images")),
}


class Words:
    """What those who speak OpenAI's protocols have in common: the key, and how an error is told."""

    KEY = "sk-simulated"
    HONOURS_TOKEN = False

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    def judged(self, body: Any, rules: Rules, *needs: str) -> None:
        try:
            judge(body, rules, needs=needs)
        except Wrong as wrong:
            raise self.refuse("invalid", f"{wrong.why} parameter: '{wrong.name}'.", wrong.name) from None

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        status, kind, code = WHY[why]
        return Refusal(status, f"{kind}/{code or ''}", message, field)

    def code_for(self, status: int) -> str:
        return f"{TYPES.get(status, 'server_error')}/"

    def write_refusal(self, refusal: Refusal) -> dict:
        kind, _, code = str(refusal.code).partition("/")
        return {"error": {"message": refusal.message, "type": kind, "param": refusal.field or None, "code": code or None}}

    def write_check(self) -> dict:
        return {"object": "list", "data": [{"id": id, "object": "model", "created": 1, "shutdown_date": None} for id in MODELS]}


class OpenAI(Words, Simulator):
    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        if method == "POST" and path in PATHS:
            return "submit", ""
        if (method, path) == ("GET", "/v1/models"):
            return "check", ""
        raise self.refuse("not_found", f"Invalid URL ({method} {path})")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path, "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        body, (rules, needs) = ordered["body"], PATHS[ordered["path"]]
        self.judged(body, rules, *needs)
        if body["model"] not in MODELS:
            raise self.refuse("no_model", f"The model '{body['model']}' does not exist.", "model")
        if body.get("quality", "auto") not in MODELS[body["model"]]:
            raise self.refuse("invalid", f"{body['model']} has no such quality.", "quality")
        if body.get("background") == "transparent" and body.get("output_format") == "jpeg":
            raise self.refuse("invalid", "A JPEG cannot be transparent.", "background")
        return "", body["model"], body.get("n", 1)

    async def accepted(self, job: UpstreamJob) -> None:
        await super().accepted(job)
        while not job.is_over(time.time()):
            await asyncio.sleep(0.02)
        if job.fate.error:
            raise self.refuse(job.fate.error, "as its end")

    # What is answered

    def new_id(self, number: int) -> str:
        return f"img-{number}"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        parts = [{"b64_json": base64.b64encode(job.file(position)[1]).decode()} for position in range(job.outputs)]
        used = {"total_tokens": 20 + 1090 * job.outputs, "input_tokens": 20, "output_tokens": 1090 * job.outputs}
        return {"created": int(now), "background": "opaque", "output_format": "png", "quality": "medium", "data": parts, "usage": used}
