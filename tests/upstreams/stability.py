"""stability: Stability AI's API, as far as its pages tell; `Authorization: Bearer KEY`, and `Accept: application/json`:

POST /v2beta/stable-image/{generate, edit, upscale}/… a form → {image: base64, seed, finish_reason: SUCCESS | CONTENT_FILTERED}
GET  /v1/user/balance → {credits}
errors: {"id", "name", "errors": [sentence]} with an HTTP status

The answer comes when the picture is made. One that is filtered comes with 200 and is blurred. `a_window`: orders taken within 10 s; whoever
sends more is locked out for a minute. None: any number.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob, png
from .listener import Refusal
from .orders import Order
from .rules import Rate, one_of, text
from .simulator import Simulator

API = "/v2beta"
MOST_BYTES = 10 * 1024 * 1024
LOCKED_OUT_S = 60.0
WHY = {
    "unauthenticated": (401, "unauthorized"),
    "no_money": (402, "payment_required"),
    "invalid": (400, "bad_request"),
    "form": (400, "bad_request"),
    "moderated": (403, "content_moderation"),
    "no_model": (404, "not_found"),
    "not_found": (404, "not_found"),
    "too_large": (413, "payload_too_large"),
    "busy": (429, "rate_limit_exceeded"),
    "broken": (500, "internal_error"),
    "unavailable": (503, "service_unavailable"),
}
NAMES = {401: "unauthorized", 403: "forbidden", 429: "rate_limit_exceeded", 500: "internal_error", 503: "service_unavailable"}

Field = Callable[[Any], bool]


def number(least: int, most: int) -> Field:
    """A whole number, written as forms write it."""
    return lambda value: isinstance(value, str) and value.isdecimal() and least <= int(value) <= most


def file(value: Any) -> bool:
    return isinstance(value, bytes) and value.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF"))


ANY: dict[str, Field] = {"output_format": one_of("png", "jpeg", "webp")}
SEEDED = ANY | {"seed": number(0, 4294967294)}
OF_A_TEXT = SEEDED | {"prompt": text(10_000), "negative_prompt": text(10_000)}
DRAWN = OF_A_TEXT | {"aspect_ratio": one_of("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")}
SD3 = DRAWN | {"model": one_of("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash"), "mode": one_of("text-to-image")}
PATHS: dict[str, tuple[dict[str, Field], tuple[str, ...]]] = {
    "generate/ultra": (DRAWN | {"style_preset": text(50)}, ("prompt",)),
    "generate/core": (DRAWN | {"style_preset": text(50)}, ("prompt",)),
    "generate/sd3": (SD3, ("prompt",)),
    "edit/inpaint": (OF_A_TEXT | {"image": file, "mask": file, "grow_mask": number(0, 20)}, ("image", "mask", "prompt")),
    "edit/erase": (SEEDED | {"image": file, "mask": file, "grow_mask": number(0, 20)}, ("image", "mask")),
    "edit/remove-background": ({"image": file, "output_format": one_of("png", "webp")}, ("image",)),
    "upscale/fast": (ANY | {"image": file}, ("image",)),
    "upscale/conservative": (OF_A_TEXT | {"image": file}, ("image", "prompt")),
}


class Stability(Simulator):
    KEY = "sk-simulated"
    HONOURS_TOKEN = False

    def __init__(self, *, a_window: int | None = None, credits_left: float = 1000.0, **more: Any):
        super().__init__(**more)
        self.credits_left = credits_left
        self._rate, self._locked_until = Rate(a_window, within_s=10), 0.0
        self.forms: list[Mapping[str, Any]] = []  # of the orders that were taken

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def check_key(self, request: web.BaseRequest) -> None:
        super().check_key(request)
        if request.headers.get("Accept") != "application/json":
            raise self.refuse("form", "accept: must be application/json or image/*")

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["v2beta", "stable-image", _, _]:
                return "submit", ""
            case "GET", ["v1", "user", "balance"]:
                return "check", ""
        raise self.refuse("not_found", f"there is no {method} {path}")

    async def body_of(self, request: web.BaseRequest) -> dict[str, Any]:
        if request.content_type != "multipart/form-data":
            raise self.refuse("form", "content-type: must be multipart/form-data")
        fields: dict[str, Any] = {}
        async for part in await request.multipart():
            fields[part.name] = bytes(await part.read()) if part.filename else await part.text()
        if sum(map(len, fields.values())) > MOST_BYTES:
            raise self.refuse("too_large", "the request is larger than 10 MiB")
        return fields

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"path": request.path.removeprefix(f"{API}/stable-image/"), "form": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        path, form = ordered["path"], ordered["form"]
        if path not in PATHS:
            raise self.refuse("no_model", f"there is no {path}")
        rules, needs = PATHS[path]
        for name in needs:
            if not form.get(name):
                raise self.refuse("invalid", f"{name}: cannot be empty", name)
        for name, value in form.items():
            if name not in rules or not rules[name](value):
                raise self.refuse("invalid", f"{name}: is {'invalid' if name in rules else 'unknown'}", name)
        return "", path, 1

    async def before_accepting(self, body: Mapping[str, Any]) -> None:
        now = time.time()
        if now >= self._locked_until and self._rate.takes(now):
            return
        self._locked_until = max(self._locked_until, now + LOCKED_OUT_S)
        raise self.refuse("busy", "too many requests within 10 seconds: you are timed out for 60 seconds")

    async def accepted(self, job: UpstreamJob) -> None:
        await super().accepted(job)
        while not job.is_over(time.time()):
            await asyncio.sleep(0.02)

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        self.forms.append(body["form"])
        return super()._accept(body)

    async def _answer(self, request: web.BaseRequest, order: Order | None, body: dict) -> web.StreamResponse:
        response = await super()._answer(request, order, body)
        if body.get("name") == "internal_error" and response.status == 200:
            response.set_status(500)
        return response

    def write_check(self) -> dict:
        return {"credits": self.credits_left}

    def new_id(self, number: int) -> str:
        return f"{number:064x}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return NAMES.get(status, "bad_request")

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"id": "7f00", "name": refusal.code, "errors": [refusal.message]}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        match job.fate.error:
            case "broken":
                return self.write_refusal(self.refuse("broken", "the model could not finish"))
            case "moderated":
                return {"image": _text(png(0)), "seed": 42, "finish_reason": "CONTENT_FILTERED"}
        picture = _text(job.file(0)[1]) if job.outputs else ""
        return {"image": picture, "seed": 42, "finish_reason": "SUCCESS"}


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
