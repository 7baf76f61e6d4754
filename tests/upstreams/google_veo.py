"""google_veo: videos of Veo by long-running operations, as far as Google's pages told:

POST /v1beta/models/{model}:predictLongRunning {instances: [{prompt, image?, lastFrame?, referenceImages?}], parameters} → {name}
GET  /v1beta/models/{model}/operations/{id}
     → {name, done?, error? | response: {generateVideoResponse: {generatedSamples: [{video: {uri}}], raiMediaFilteredCount, …}}}
GET  /v1beta/files/{name}:download?alt=media → the video
GET  /v1/models → {models: [{name}]}

A video that is filtered is missing, and counted.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .google import Gemini, is_base64, is_picture_type
from .jobs import UpstreamJob
from .rules import Rules, list_of, one_of, shaped, text, whole
from .simulator import Simulator

MODELS = ("veo-3.1-generate-preview", "veo-3.1-fast-generate-preview")


def is_picture(value: Any) -> bool:
    return shaped({"mimeType": is_picture_type, "bytesBase64Encoded": is_base64}, needs=("mimeType", "bytesBase64Encoded"))(value)


INSTANCE: Rules = {
    "prompt": text(4000),
    "image": is_picture,
    "lastFrame": is_picture,
    "referenceImages": list_of(shaped({"image": is_picture, "referenceType": one_of("ASSET")}, needs=("image", "referenceType")), 1, 3),
}
FIELDS: Rules = {
    "instances": list_of(lambda value: isinstance(value, dict), 1, 1),
    "parameters": {
        "sampleCount": whole(1, 1),
        "durationSeconds": one_of(4, 6, 8),
        "aspectRatio": one_of("16:9", "9:16"),
        "resolution": one_of("720p", "1080p", "4k"),
        "personGeneration": text(30),
        "negativePrompt": text(4000),
    },
}


class GoogleVeo(Gemini, Simulator):
    LOCKED = True

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["v1beta", "models", model] if model.endswith(":predictLongRunning"):
                return "submit", ""
            case "GET", ["v1beta", "models", _, "operations", id]:
                return "poll", id
            case "GET", ["v1", "models"]:
                return "check", ""
            case "GET", ["v1beta", "files", file] if file.endswith(":download") and query.get("alt") == "media":
                return "result", file.removesuffix(":download").replace("x", "/")
        raise self.refuse("not_found", f"There is no {method} {path}.")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"model": request.path.rpartition("/")[2].removesuffix(":predictLongRunning"), "body": body}

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        model, body = ordered["model"], ordered["body"]
        if model not in MODELS:
            raise self.refuse("no_model", "", "model")
        self.judged(body, FIELDS, "instances")
        (instance,), parameters = body["instances"], body.get("parameters", {})
        self.judged(instance, INSTANCE, "prompt")
        if "lastFrame" in instance and "image" not in instance:
            raise self.refuse("invalid", "lastFrame needs image", "instances.lastFrame")
        is_whole = "referenceImages" in instance or parameters.get("resolution") in ("1080p", "4k")
        if is_whole and parameters.get("durationSeconds", 8) != 8:
            raise self.refuse("invalid", "durationSeconds must be 8", "parameters.durationSeconds")
        return "", model, 1

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = True
        return job

    # What is answered

    def new_id(self, number: int) -> str:
        return f"op{number:08}"

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {"name": f"models/{job.model}/operations/{job.id}"}
        if not job.is_over(now):
            return shown
        if job.fate.error == "broken":
            return shown | {"done": True, "error": {"code": 13, "message": "An internal error has occurred."}}
        filtered = ["Your prompt was blocked by our filters."] if job.fate.error == "moderated" else []
        made = 0 if filtered else job.outputs
        samples = [{"video": {"uri": f"{self.url}/v1beta/files/{job.id}x{at}:download?alt=media"}} for at in range(made)]
        response = {"generatedSamples": samples, "raiMediaFilteredCount": len(filtered), "raiMediaFilteredReasons": filtered}
        return shown | {"done": True, "response": {"generateVideoResponse": response}}

    def write_status(self, body: dict, status: str) -> dict:
        return {"name": body["name"], "metadata": {"state": status}}
