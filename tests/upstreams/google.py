"""google: Gemini Omni by the Interactions API, as far as Google's pages tell; each call with `x-goog-api-key`:

POST /v1/interactions {model, input, background, store, response_format, generation_config?, webhook_config?, …}
     → {id, object, status, model, created, steps, usage, errors}
GET  /v1/interactions/{id}?stream=false → likewise; done: steps: [{type: model_output, content: [{type: video, mime_type, uri}]}]
POST /v1/interactions/{id}/cancel → likewise
GET  /v1beta/files/{name} → {name, state: PROCESSING | ACTIVE}; /v1beta/files/{name}:download?alt=media → the video
GET  /v1/models → {models: [{name}]}
errors: {"error": {code, message, status, details?}}; a call: {type: interaction.completed, version, timestamp, data: {id}}

A job that is filtered is completed, without a video or a token. `processes`: questions about a file until it is ACTIVE. `inline`: a video
comes in base64, whatever was asked for.
"""

import base64
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rules, Wrong, address, anything, judge, list_of, one_of, shaped, text
from .simulator import Simulator

# status, word, details
WHY: dict[str, tuple[int, str, list[dict]]] = {
    "unauthenticated": (400, "INVALID_ARGUMENT", [{"@type": "ErrorInfo", "reason": "API_KEY_INVALID"}]),
    "no_money": (429, "RESOURCE_EXHAUSTED", [{"@type": "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}]}]),
    "busy": (
        429,
        "RESOURCE_EXHAUSTED",
        [
            {"@type": "QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}]},
            {"@type": "RetryInfo", "retryDelay": "34s"},
        ],
    ),
    "unavailable": (503, "UNAVAILABLE", []),
    "invalid": (400, "INVALID_ARGUMENT", []),
    "moderated": (400, "INVALID_ARGUMENT", []),
    "no_model": (404, "NOT_FOUND", []),
    "not_found": (404, "NOT_FOUND", []),
    "too_late": (400, "INVALID_ARGUMENT", []),
    "broken": (500, "INTERNAL", []),
}
SAID = {"moderated": "The prompt was refused by our safety filters.", "no_model": "This model is no longer available."}
WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
WORDS |= {500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}
MODELS = ("gemini-omni-1.1-flash", "gemini-omni-1.2-flash")


def is_base64(value: Any) -> bool:
    try:
        return bool(base64.b64decode(value, validate=True))
    except (TypeError, ValueError):
        return False


def is_picture_type(value: Any) -> bool:
    return value in ("image/png", "image/jpeg", "image/webp")


TEXT: Rules = {"type": one_of("text"), "text": text(100_000)}
IMAGE: Rules = {"type": one_of("image"), "mime_type": is_picture_type, "data": is_base64, "uri": address}


def is_content(value: Any) -> bool:
    return shaped(TEXT, needs=("text",))(value) or shaped(IMAGE, needs=("mime_type",))(value)


TASKS = ("text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale")
FIELDS: Rules = {
    "model": text(100),
    "input": list_of(is_content, 1, 20),
    "background": one_of(True),
    "store": one_of(True),
    "labels": anything,
    "generation_config": {"video_config": {"task": one_of(*TASKS)}},
    "response_format": {
        "type": one_of("video"),
        "aspect_ratio": one_of("16:9", "9:16"),
        "resolution": one_of("360p", "720p", "1080p", "4k"),
        "duration": one_of(*(f"{seconds}s" for seconds in range(3, 11))),
        "delivery": one_of("inline", "uri"),
    },
    "webhook_config": {"uris": list_of(address, 1, 5), "user_metadata": anything},
}
PICTURES = {"text_to_video": 0, "image_to_video": 1, "reference_to_video": 1}  # that it needs, at least


class Gemini:
    """What Google's protocols have in common: the key, and how an error is told."""

    KEY = "AIza-simulated"
    HONOURS_TOKEN = False

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    def check_key(self, request: web.BaseRequest) -> None:
        if request.headers.get("x-goog-api-key") != self.KEY:
            raise self.refuse("unauthenticated", "API key not valid. Please pass a valid API key.")

    def judged(self, body: Any, rules: Rules, *needs: str) -> None:
        try:
            judge(body, rules, needs=needs)
        except Wrong as wrong:
            raise self.refuse("invalid", f"Invalid JSON payload received: {wrong}", wrong.name) from None

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        status, _, _ = WHY[why]
        return Refusal(status, why, SAID.get(why, message), field)

    def code_for(self, status: int) -> str:
        return WORDS.get(status, "UNKNOWN")

    def write_refusal(self, refusal: Refusal) -> dict:
        _, word, details = WHY.get(str(refusal.code), (0, str(refusal.code), []))
        error = {"code": refusal.status, "message": refusal.message, "status": word}
        return {"error": error | ({"details": details} if details else {})}

    def write_check(self) -> dict:
        return {"models": [{"name": f"models/{MODELS[0]}"}], "nextPageToken": "x"}


class Google(Gemini, Simulator):
    DOORS = (*Simulator.DOORS, "file")
    LOCKED = True

    def __init__(self, *, processes: int = 0, inline: bool = False, **more: Any):
        super().__init__(**more)
        self.processes, self.inline = processes, inline

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["v1", "interactions"]:
                return "submit", ""
            case "GET", ["v1", "interactions", id]:
                return "poll", id
            case "POST", ["v1", "interactions", id, "cancel"]:
                return "cancel", id
            case "GET", ["v1", "models"]:
                return "check", ""
            case "GET", ["v1beta", "files", file] if file.endswith(":download") and query.get("alt") == "media":
                return "result", "/".join(_about(file.removesuffix(":download")))
            case "GET", ["v1beta", "files", name] if ":" not in name:
                return "file", name
        raise self.refuse("not_found", f"There is no {method} {path}.")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        self.judged(body, FIELDS, "model", "input", "background", "store", "response_format")
        if body["model"] not in MODELS:
            raise self.refuse("no_model", "", "model")
        given = sum(part["type"] == "image" for part in body["input"])
        task = body.get("generation_config", {}).get("video_config", {}).get("task", "text_to_video")
        if given < PICTURES.get(task, 0) or (task == "text_to_video" and given):
            raise self.refuse("invalid", f"{task} does not go with {given} images", "input")
        return "", body["model"], 1

    def address_of(self, body: Mapping[str, Any]) -> str:
        return body.get("webhook_config", {}).get("uris", [""])[0]

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        job.makes_video = True
        return job

    # What is answered

    def new_id(self, number: int) -> str:
        return f"v1_{number:08}"

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        told = "interaction.failed" if job.fate.error == "broken" else "interaction.completed"
        return {"type": told, "version": "v1", "timestamp": _written(time.time()), "data": {"id": job.id}}

    def _file(self, name: str) -> dict:
        id, _ = _about(name)
        self._job(id)
        self.processes -= 1
        return {"name": f"files/{name}", "mimeType": "video/mp4", "state": "PROCESSING" if self.processes >= 0 else "ACTIVE"}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {"id": job.id, "object": "interaction", "status": "in_progress", "model": job.model, "created": _written(job.created_at)}
        shown |= {"steps": [], "usage": {}, "errors": []}
        if not job.is_over(now):
            return shown
        if job.is_canceled:
            return shown | {"status": "cancelled"}
        if job.fate.error == "broken":
            return shown | {"status": "failed", "errors": [{"code": "internal", "message": "The model could not finish."}]}
        if job.fate.error == "moderated":
            return shown | {"status": "completed", "usage": {"total_input_tokens": 12, "total_output_tokens": 0}}
        steps = [{"type": "user_input", "content": []}, {"type": "model_output", "content": self._content(job)}]
        return shown | {"status": "completed", "steps": steps, "usage": {"total_input_tokens": 12, "total_output_tokens": 57920}}

    def _content(self, job: UpstreamJob) -> list[dict]:
        if not job.outputs:
            return [{"type": "text", "text": "Here is your video."}]
        if self.inline:
            return [{"type": "video", "mime_type": "video/mp4", "data": base64.b64encode(job.file(0)[1]).decode()}]
        return [{"type": "video", "mime_type": "video/mp4", "uri": f"{self.url}/v1beta/files/{job.id.removeprefix('v1_')}x0"}]

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"status": status, "steps": []}


def _about(name: str) -> tuple[str, str]:
    """The job, and which of its results, that a file's name stands for."""
    number, _, position = name.partition("x")
    return f"v1_{number}", position


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
