"""volcengine_images: Seedream pictures of Volcengine Ark, as far as its pages tell; paths are below its base URL.

POST /images/generations {model, prompt, image?, size?, sequential_image_generation?, …}
→ {model, created, data: [{url, size} | {error}], usage}

The answer comes when the pictures are made. `deliver(n)`: the others of a set fail, each with an error of its own.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from . import volcengine
from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rules, address, list_of, one_of, text, truth, whole
from .simulator import Simulator
from .volcengine import TASKS, check

IMAGES = "/images/generations"
ENDINGS = {
    "moderated": ("OutputImageSensitiveContentDetected", "the picture was refused"),
    "broken": ("InternalServiceError", "the model could not finish"),
}
MODELS = {
    "doubao-seedream-5-0-pro-260628": ("2K", "3K", "4K"),
    "doubao-seedream-5-0-260128": ("2K", "3K", "4K"),
    "doubao-seedream-4-5-251128": ("2K", "4K"),
    "doubao-seedream-4-0-250828": ("1K", "2K", "4K"),
}
FIELDS: Rules = {
    "model": text(100),
    "prompt": text(4000),
    "image": lambda value: address(value) or list_of(address, 1, 14)(value),
    "size": text(10),
    "response_format": one_of("url", "b64_json"),
    "sequential_image_generation": one_of("auto", "disabled"),
    "sequential_image_generation_options": {"max_images": whole(1, 15)},
    "watermark": truth,
    "output_format": one_of("png", "jpeg"),
}


class VolcengineImages(Simulator):
    HONOURS_TOKEN = False

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        if (method, path) == ("POST", IMAGES):
            return "submit", ""
        if (method, path) == ("GET", TASKS):
            return "check", ""
        if method == "GET" and path.startswith("/results/"):
            return "result", path.removeprefix("/results/")
        raise Refusal(404, "NotFound", f"there is no {method} {path}")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        check(self, body, FIELDS, "model", "prompt")
        model, size = body["model"], body.get("size", "2K")
        if model not in MODELS:
            raise self.refuse("no_model", f"The model {model} does not exist", "model")
        if size not in MODELS[model] and not _is_in_pixels(size):
            raise self.refuse("invalid", f"{model} makes no {size}", "size")
        if "output_format" in body and "seedream-5" not in model:
            raise self.refuse("invalid", f"{model} takes no output_format", "output_format")
        given = body.get("image", ())
        count = body.get("sequential_image_generation_options", {}).get("max_images", 15) if _is_set(body) else 1
        if count + (1 if isinstance(given, str) else len(given)) > 15:
            raise self.refuse("invalid", "pictures given and made are more than 15")
        return "", model, count

    async def accepted(self, job: UpstreamJob) -> None:
        await super().accepted(job)
        while not job.is_over(time.time()):
            await asyncio.sleep(0.02)

    def new_id(self, number: int) -> str:
        return f"img-{number}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*volcengine.WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return volcengine.CODES.get(status, "InternalServiceError")

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"error": {"code": refusal.code, "message": refusal.message, "param": refusal.field, "type": "BadRequest"}}

    def write_check(self) -> dict:
        return {"items": [], "total": 0}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        made = 0 if job.fate.error else job.outputs
        failed = () if job.fate.delivers == 0 else range(job.count - made)  # with no part at all, it tells no reason either
        code, message = ENDINGS[job.fate.error or "broken"]
        parts = [{"url": f"{self.url}/results/{job.id}/{position}", "size": "2048x2048"} for position in range(made)]
        faults = [{"error": {"code": code, "message": message}} for _ in failed]
        used = {"generated_images": made, "output_tokens": 16384 * made, "total_tokens": 16384 * made}
        return {"model": job.model, "created": int(now), "data": [*parts, *faults], "usage": used}


def _is_set(body: Mapping[str, Any]) -> bool:
    return body.get("sequential_image_generation") == "auto"


def _is_in_pixels(size: str) -> bool:
    return [side.isdecimal() for side in size.split("x")] == [True, True]
