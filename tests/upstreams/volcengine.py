"""volcengine: Seedance videos of Volcengine Ark, as far as its pages tell; paths are below its base URL.

POST   /contents/generations/tasks {model, content, duration?, resolution?, …, safety_identifier?, callback_url?} → {id}
GET    the same /{id} → task; GET ?page_num=&page_size=&filter.task_ids=…&filter.status= → {items: newest first, total}
DELETE the same /{id}: a queued task is cancelled, one that has ended is forgotten, any other is an error
task:  {id, model, status: queued | running | succeeded | failed | cancelled | expired, error, content: {video_url}, usage, created_at, …}
error: {"error": {code, message, param, type}}

A safety_identifier that comes twice buys twice. `page`: how many tasks a list shows at once, however many are asked for.
"""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Order
from .rules import Rules, Wrong, address, judge, list_of, one_of, shaped, text, truth, whole
from .simulator import Simulator

TASKS = "/contents/generations/tasks"
FILTERS = {"filter.status", "filter.task_ids", "filter.model", "filter.service_tier"}
WHY = {
    "invalid": (400, "InvalidParameter"),
    "missing": (400, "MissingParameter"),
    "moderated": (400, "InputTextSensitiveContentDetected"),
    "unauthenticated": (401, "AuthenticationError"),
    "no_money": (403, "AccountOverdueError"),
    "no_model": (404, "InvalidEndpointOrModel.NotFound"),
    "not_found": (404, "ResourceNotFound"),
    "busy": (429, "ModelAccountRpmRateLimitExceeded"),
    "unavailable": (429, "ModelLoadingError"),
    "too_late": (400, "InvalidParameter.TaskStatus"),
}
CODES = {400: "InvalidParameter", 401: "AuthenticationError", 403: "AccessDenied", 404: "NotFound", 429: "ServerOverloaded"}
ENDINGS = {
    "moderated": ("OutputVideoSensitiveContentDetected.PolicyViolation", "the video was refused"),
    "broken": ("InternalServiceError", "the model could not finish"),
}
MODELS = {
    "doubao-seedance-2-0-260128": ("480p", "720p"),
    "doubao-seedance-2-0-fast-260128": ("480p", "720p"),
    "doubao-seedance-1-5-pro-251215": ("480p", "720p", "1080p"),
    "doubao-seedance-1-0-pro-250528": ("480p", "720p", "1080p"),
}
SILENT = {"doubao-seedance-1-0-pro-250528"}
TEXT: Rules = {"type": one_of("text"), "text": text(5000)}
PICTURE: Rules = {
    "type": one_of("image_url"),
    "image_url": {"url": address},
    "role": one_of("first_frame", "last_frame", "reference_image"),
}
FIELDS: Rules = {
    "model": text(100),
    "content": list_of(lambda part: any(kind(part) for kind in CONTENTS), 1, 20),
    "resolution": one_of("480p", "720p", "1080p"),
    "ratio": one_of("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive"),
    "duration": whole(2, 15),
    "seed": whole(-1, 2**32 - 1),
    "camera_fixed": truth,
    "watermark": truth,
    "generate_audio": truth,
    "return_last_frame": truth,
    "service_tier": one_of("default", "flex"),
    "execution_expires_after": whole(3600, 259200),
    "safety_identifier": text(64),
    "callback_url": address,
}
CONTENTS = (shaped(TEXT, needs=("type", "text")), shaped(PICTURE, needs=("type", "image_url")))
USED = {"completion_tokens": 108900, "total_tokens": 108900}


class Volcengine(Simulator):
    HONOURS_TOKEN = False

    def __init__(self, *, page: int = 500, **more: Any):
        super().__init__(**more)
        self.page = page
        self.orders: dict[str, Mapping[str, Any]] = {}  # by task id

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY}

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        below, _, id = path.rpartition("/")
        match method:
            case "POST" if path == TASKS:
                return "submit", ""
            case "GET" if path == TASKS:
                return self._door_of_list(query)
            case "GET" if below == TASKS:
                return "poll", id
            case "DELETE" if below == TASKS:
                return "cancel", id
            case "GET" if path.startswith("/results/"):
                return "result", path.removeprefix("/results/")
        raise Refusal(404, "NotFound", f"there is no {method} {path}")

    def _door_of_list(self, query: Any) -> tuple[str, str]:
        if not query.keys() <= {"page_num", "page_size", *FILTERS}:
            raise self.refuse("invalid", f"{sorted(query)} are not all known")
        number, size = query.get("page_num", "1"), query.get("page_size", "10")
        for name, value in (("page_num", number), ("page_size", size)):
            if not (value.isdecimal() and 1 <= int(value) <= 500):
                raise self.refuse("invalid", f"{name} is 1 to 500, not {value}", name)
        if "filter.task_ids" in query:
            return "poll", ",".join(query.getall("filter.task_ids"))
        return ("check", "") if size == "1" else ("find", f"{number}/{size}")

    def token_of(self, body: Mapping[str, Any]) -> str:
        return str(body.get("safety_identifier", ""))

    def address_of(self, body: Mapping[str, Any]) -> str:
        return body.get("callback_url", "")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        check(self, body, FIELDS, "model", "content")
        model = body["model"]
        if model not in MODELS:
            raise self.refuse("no_model", f"The model {model} does not exist", "model")
        if body.get("resolution", "720p") not in MODELS[model]:
            raise self.refuse("invalid", f"{model} makes no {body['resolution']}", "resolution")
        if model in SILENT and "generate_audio" in body:
            raise self.refuse("invalid", f"{model} makes no sound", "generate_audio")
        roles = [part.get("role", "first_frame") for part in body["content"] if part["type"] == "image_url"]
        if len(set(roles)) < len(roles) or ("last_frame" in roles and "first_frame" not in roles):
            raise self.refuse("invalid", f"pictures as {roles} make no video", "content")
        return self.token_of(body), model, 1

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.orders[job.id], job.makes_video = body, True
        return job

    async def _poll(self, request: web.BaseRequest, id: str, order: Order | None) -> web.StreamResponse:
        if request.path != TASKS:
            return await super()._poll(request, id, order)
        known = [self.jobs[one] for one in id.split(",") if one in self.jobs]
        self.polls.update(job.id for job in known)
        return await self._answer(request, order, self._listed(known, len(known)))

    def _find(self, about: str) -> dict:
        if about.endswith("-not-there"):
            return self._listed([], 0)
        number, size = map(int, about.split("/"))
        made, size = list(reversed(self.jobs.values())), min(size, self.page)
        return self._listed(made[(number - 1) * size : number * size], len(made))

    def _listed(self, jobs: list[UpstreamJob], total: int) -> dict:
        return {"items": [self.write_job(job, time.time()) for job in jobs], "total": total}

    def _cancel(self, id: str) -> dict:
        job, now = self._job(id), time.time()
        if job.is_canceled or not (job.waits(now) or job.is_over(now)):
            raise self.refuse("too_late", f"task {id} cannot be deleted now")
        if job.is_over(now):
            del self.jobs[id]
        job.is_canceled, job.done_at = True, now
        return {}

    def new_id(self, number: int) -> str:
        return f"cgt-20260101000000-{number:05x}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "InternalServiceError")

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"error": {"code": refusal.code, "message": refusal.message, "param": refusal.field, "type": "BadRequest"}}

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return {"id": job.id, **self._identifier(job)}

    def write_status(self, body: dict, status: str) -> dict:
        return {name: value for name, value in body.items() if name not in ("content", "usage", "error")} | {"status": status}

    def write_check(self) -> dict:
        return self._listed(list(self.jobs.values())[-1:], len(self.jobs))

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        return self.write_job(job, time.time())

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {
            "id": job.id,
            "model": job.model,
            "status": "queued" if job.waits(now) else "running",
            "error": None,
            "created_at": int(job.created_at),
            "updated_at": int(now),
            "service_tier": "default",
            "execution_expires_after": 172800,
            **self._identifier(job),
        }
        if not job.is_over(now):
            return shown
        if job.is_canceled:
            return shown | {"status": "cancelled"}
        if job.fate.error:
            code, message = ENDINGS[job.fate.error]
            return shown | {"status": "failed", "error": {"code": code, "message": message}}
        content = {"video_url": f"{self.url}/results/{job.id}/0"} if job.outputs else {}
        return shown | {"status": "succeeded", "content": content, "usage": USED, "framespersecond": 24}

    def _identifier(self, job: UpstreamJob) -> dict[str, str]:
        return {"safety_identifier": job.token} if job.token else {}


def check(simulator: Simulator, body: Mapping[str, Any], fields: Rules, *needs: str) -> None:
    """Raises a Refusal in Ark's words for what is missing, unknown or wrong."""
    try:
        judge(body, fields, needs=needs)
    except Wrong as fault:
        raise simulator.refuse("missing" if fault.why == "missing" else "invalid", str(fault), fault.name) from None
