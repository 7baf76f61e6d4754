"""google_images: pictures of the Gemini models, as far as Google's pages tell:

POST /v1/models/{model}:generateContent {contents: [{role, parts: [{text} | {inlineData}]}], generationConfig: {imageConfig?, …}}
     → {candidates: [{content: {parts: [{inlineData: {mimeType, data}}]}, finishReason}], usageMetadata}
GET  /v1/models → {models: [{name}]}

The answer comes when the picture is made; one that is refused is an answer without a picture. `says`: the models answer with this instead.
"""

import asyncio
import base64
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .google import Gemini, is_base64, is_picture_type
from .jobs import UpstreamJob
from .rules import Rules, list_of, one_of, shaped, text
from .simulator import Simulator

MODELS: dict[str, tuple[str, ...]] = {
    "gemini-3-pro-image": ("1K", "2K", "4K"),
    "gemini-3.1-flash-image": ("512", "1K", "2K", "4K"),
    "gemini-3.1-flash-lite-image": ("1K",),
    "gemini-nano-banana-2.1": ("1K", "2K", "4K"),
}
RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")


def is_inline(value: Any) -> bool:
    return shaped({"mimeType": is_picture_type, "data": is_base64}, needs=("mimeType", "data"))(value)


def is_part(value: Any) -> bool:
    return shaped({"text": text(100_000), "inlineData": is_inline})(value) and len(value) == 1


FIELDS: Rules = {
    "contents": list_of(shaped({"role": one_of("user"), "parts": list_of(is_part, 1, 20)}, needs=("parts",)), 1, 1),
    "generationConfig": {
        "responseModalities": list_of(one_of("IMAGE", "TEXT"), 1, 2),
        "imageConfig": {"aspectRatio": one_of(*RATIOS), "imageSize": one_of("512", "1K", "2K", "4K")},
    },
}


class GoogleImages(Gemini, Simulator):
    def __init__(self, *, says: str = "", **more: Any):
        super().__init__(**more)
        self.says = says

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["v1", "models", model] if model.endswith(":generateContent"):
                return "submit", ""
            case "GET", ["v1", "models"]:
                return "check", ""
        raise self.refuse("not_found", f"There is no {method} {path}.")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"model": request.path.rpartition("/")[2].removesuffix(":generateContent"), "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        model, body = ordered["model"], ordered["body"]
        if model not in MODELS:
            raise self.refuse("no_model", "", "model")
        self.judged(body, FIELDS, "contents")
        if (size := body.get("generationConfig", {}).get("imageConfig", {}).get("imageSize", "1K")) not in MODELS[model]:
            raise self.refuse("invalid", f"{model} makes no {size}", "generationConfig.imageConfig.imageSize")
        return "", model, 1

    async def accepted(self, job: UpstreamJob) -> None:
        await super().accepted(job)
        while not job.is_over(time.time()):
            await asyncio.sleep(0.02)
        if job.fate.error == "broken":
            raise self.refuse("broken", "An internal error has occurred.")

    # What is answered

    def new_id(self, number: int) -> str:
        return f"img-{number}"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        if job.fate.error == "moderated":
            return {"candidates": [{"finishReason": "IMAGE_SAFETY"}], "usageMetadata": {"promptTokenCount": 9}}
        if self.says:
            return {"candidates": [{"content": {"parts": [{"text": self.says}]}, "finishReason": "STOP"}]}
        if not job.outputs:
            return {"candidates": [{"finishReason": "NO_IMAGE"}]}
        content_type, content = job.file(0)
        part = {"inlineData": {"mimeType": content_type, "data": base64.b64encode(content).decode()}}
        used = {"promptTokenCount": 9, "candidatesTokenCount": 1120, "totalTokenCount": 1129}
        return {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}], "usageMetadata": used}
