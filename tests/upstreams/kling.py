"""kling: the KlingAI open platform, as far as its pages tell. Both generations of its API:

old  POST /v1/videos/text2video, /v1/videos/image2video, /v1/images/generations {model_name, prompt, …, external_task_id?, callback_url?}
     GET  the same path/{task_id or external_task_id}, or ?pageNum=&pageSize= for the newest
     job: {task_id, task_status: submitted | processing | succeed | failed, task_status_msg, task_info, task_result, …}
new  POST /text-to-video/{model} {prompt, settings?, options?}, /image-to-video/{model} {contents, settings?, options?}
     GET  /tasks?task_ids=a,b or ?external_task_ids=a,b → a list of those it knows
     job: {id, status: submitted | processing | succeeded | failed, message, external_id, outputs, billing, …}
answers: {code: 0, message, request_id, data}; any other code is an error, whatever the HTTP status

The old one opens to an API key or a JWT of two keys, the new one to an API key. Where the pages are silent it does what is worst for us:
a repeated external_task_id buys once more. `parallel`: how many jobs may be open, a picture each; None: any number.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import web

from .jobs import UpstreamJob
from .listener import Refusal
from .orders import Order
from .rules import Rule, one_of, text, whole
from .simulator import Simulator

WHY = {
    "unauthenticated": (401, 1002),
    "no_key": (401, 1001),
    "too_early": (401, 1003),
    "too_late": (401, 1004),
    "no_money": (429, 1101),
    "invalid": (400, 1201),
    "not_found": (404, 1203),
    "no_model": (404, 1203),
    "moderated": (400, 1301),
    "busy": (429, 1302),
    "parallel": (429, 1303),
    "unavailable": (503, 5001),
}
CODES = {400: 1200, 401: 1000, 402: 1101, 403: 1103, 404: 1203, 429: 1302, 500: 5000, 503: 5001, 504: 5002}
ENDINGS = {"moderated": "Failure to pass the risk control system", "broken": "the model could not finish"}

OLD_VIDEOS = {"kling-v3", "kling-v2-6", "kling-v2-5-turbo"}
NEW_VIDEOS = {"kling-3.0", "kling-3.0-turbo", "kling-2.6"}
PICTURES = {"kling-v3", "kling-v2-1"}
RATIOS = ("16:9", "9:16", "1:1")
LONG = [str(seconds) for seconds in range(3, 16)]
MOST_IDS = 20


def picture(value: Any) -> bool:
    """A URL, or bare base64: a `data:` prefix is refused."""
    return isinstance(value, str) and bool(value) and not value.startswith("data:")


MARKS: dict[str, Rule] = {"callback_url": text(2000), "external_task_id": text(64)}
OLD_FIELDS: dict[str, Rule] = {
    **MARKS,
    "model_name": text(64),
    "prompt": text(2500),
    "negative_prompt": text(2500),
    "duration": one_of(*LONG),
    "mode": one_of("std", "pro"),
    "sound": one_of("on", "off"),
}
FIELDS: dict[str, dict[str, Rule]] = {
    "/v1/videos/text2video": OLD_FIELDS | {"aspect_ratio": one_of(*RATIOS)},
    "/v1/videos/image2video": OLD_FIELDS | {"image": picture, "image_tail": picture},
    "/v1/images/generations": {
        **MARKS,
        "model_name": text(64),
        "prompt": text(2500),
        "negative_prompt": text(2500),
        "image": picture,
        "resolution": one_of("1k", "2k"),
        "n": whole(1, 9),
        "aspect_ratio": one_of(*RATIOS),
    },
    "/text-to-video": {"prompt": text(3072), "settings": lambda value: True, "options": lambda value: True},
    "/image-to-video": {"contents": lambda value: True, "settings": lambda value: True, "options": lambda value: True},
}
SETTINGS: dict[str, Rule] = {
    "resolution": one_of("720p", "1080p", "4k"),
    "aspect_ratio": one_of(*RATIOS),
    "duration": whole(3, 15),
    "audio": one_of("native", "original", "off"),
    "multi_shot": one_of(True, False),
}
CONTENTS: dict[str, tuple[str, Rule]] = {
    "prompt": ("text", text(3072)),
    "first_frame": ("url", picture),
    "last_frame": ("url", picture),
}
NEEDS = {"/v1/videos/image2video": ("image",), "/image-to-video": ("contents",)}
SHORT = {"kling-v2-6", "kling-v2-5-turbo", "kling-2.6"}  # 5 or 10 seconds
SILENT = {"kling-v2-5-turbo"}


@dataclass(frozen=True, slots=True)
class Ordered:
    """A submit as its job is known by: `path` is without the model."""

    path: str
    model: str
    token: str


class Kling(Simulator):
    """Its keys are KEY, and ACCESS_KEY with SECRET_KEY."""

    ACCESS_KEY, SECRET_KEY = "simulated-access-key", "simulated-secret-key-of-32-bytes-or-more"
    HONOURS_TOKEN = False

    def __init__(self, *, parallel: int | None = None, **more: Any):
        super().__init__(**more)
        self.parallel = parallel
        self.orders: dict[str, Ordered] = {}  # by job id

    @property
    def credentials(self) -> dict[str, str]:
        return {"api_key": self.KEY, "access_key": self.ACCESS_KEY, "secret_key": self.SECRET_KEY}

    # Who asks

    def check_key(self, request: web.BaseRequest) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or not key:
            raise self.refuse("no_key", "Authorization is empty")
        if key != self.KEY:
            self._check_token(key if is_old(request.path) else "")

    def _check_token(self, token: str) -> None:
        try:
            claims = jwt.decode(token, self.SECRET_KEY, algorithms=["HS256"], options={"require": ["iss", "exp", "nbf"]})
        except jwt.ExpiredSignatureError:
            raise self.refuse("too_late", "Authorization is expired") from None
        except jwt.ImmatureSignatureError:
            raise self.refuse("too_early", "Authorization is not yet valid") from None
        except jwt.InvalidTokenError:
            raise self.refuse("unauthenticated", "Authorization is invalid") from None
        if claims["iss"] != self.ACCESS_KEY:
            raise self.refuse("unauthenticated", "access key not found")

    # What is asked

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        below, _, last = path.rpartition("/")
        match method:
            case "POST" if (path in FIELDS and is_old(path)) or (below in FIELDS and not is_old(path)):
                return "submit", ""
            case "GET" if path == "/tasks" and len(query) == 1:
                return self._door_of_list(query)
            case "GET" if path in FIELDS and is_old(path) and query.keys() <= {"pageNum", "pageSize"}:
                return self._door_of_page(query)
            case "GET" if below in FIELDS and is_old(path):
                return ("poll", last) if last in self.jobs else ("find", path)
            case "GET" if path.startswith("/results/") and last.isdecimal():
                return "result", path.removeprefix("/results/")
        raise Refusal(404, 1202, f"there is no {method} {path}")

    def _door_of_list(self, query: Mapping[str, str]) -> tuple[str, str]:
        ((name, ids),) = query.items()
        if name not in ("task_ids", "external_task_ids") or not ids or len(ids.split(",")) > MOST_IDS:
            raise self.refuse("invalid", f"{name} is invalid")
        return ("poll" if name == "task_ids" else "find"), ids

    def _door_of_page(self, query: Mapping[str, str]) -> tuple[str, str]:
        for name, most in (("pageNum", 1000), ("pageSize", 500)):
            if not (query.get(name, "1").isdecimal() and 1 <= int(query.get(name, "1")) <= most):
                raise self.refuse("invalid", f"{name} value '{query[name]}' is invalid")
        return "check", ""

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        if is_old(request.path):
            return {"path": request.path, "model": body.get("model_name", ""), "body": body, "marks": body}
        path, _, model = request.path.rpartition("/")
        marks = body.get("options")
        return {"path": path, "model": model, "body": body, "marks": marks if isinstance(marks, dict) else {}}

    def token_of(self, ordered: Mapping[str, Any]) -> str:
        return str(ordered["marks"].get("external_task_id", ""))

    def address_of(self, ordered: Mapping[str, Any]) -> str:
        return ordered["marks"].get("callback_url", "")

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        path, model, body = ordered["path"], ordered["model"], ordered["body"]
        if model not in (NEW_VIDEOS if not is_old(path) else PICTURES if path.startswith("/v1/images") else OLD_VIDEOS):
            raise self.refuse("no_model", f"model {model} is not found")
        self._judge(body, FIELDS[path], "")
        for name in NEEDS.get(path, ("prompt",)):
            if name not in body:
                raise self.refuse("invalid", f"{name} is required")
        self._judge(body.get("options", {}), {**MARKS, "watermark_info": lambda value: True}, "options.")
        self._judge(body.get("settings", {}), SETTINGS, "settings.")
        self._check_contents(body.get("contents"))
        self._check_model(model, body)
        count = body.get("n", 1)
        if self.parallel is not None and sum(job.count for job in self._open()) + count > self.parallel:
            raise self.refuse("parallel", "parallel task over resource pack limit")
        return self.token_of(ordered), model, count

    def _judge(self, given: Any, rules: Mapping[str, Rule], below: str) -> None:
        if not isinstance(given, dict):
            raise self.refuse("invalid", f"{below}: an object is required")
        for name, value in given.items():
            if name not in rules:
                raise self.refuse("invalid", f"{below}{name} is unknown")
            if not rules[name](value):
                raise self.refuse("invalid", f"{below}{name} value '{value}' is invalid")

    def _check_contents(self, contents: Any) -> None:
        if contents is None:
            return
        kinds = [one.get("type") if isinstance(one, dict) else None for one in contents] if isinstance(contents, list) else []
        if "first_frame" not in kinds or "prompt" not in kinds or len(set(kinds)) < len(kinds) or not set(kinds) <= CONTENTS.keys():
            raise self.refuse("invalid", f"contents of {kinds} are invalid")
        for one in contents:
            name, rule = CONTENTS[one["type"]]
            self._judge(one, {"type": one_of(*CONTENTS), name: rule}, "contents.")
            if name not in one:
                raise self.refuse("invalid", f"contents.{name} is required")

    def _check_model(self, model: str, body: Mapping[str, Any]) -> None:
        """What one model takes and another does not."""
        settings = body.get("settings", {})
        duration = body.get("duration", settings.get("duration"))
        if model in SHORT and duration is not None and int(duration) not in (5, 10):
            raise self.refuse("invalid", f"duration value '{duration}' is invalid")
        if model in SILENT and "sound" in body:
            raise self.refuse("invalid", f"sound is not supported by {model}")

    def _open(self) -> list[UpstreamJob]:
        return [job for job in self.jobs.values() if not job.is_over(time.time())]

    # What is answered

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.orders[job.id] = Ordered(body["path"], body["model"], job.token)
        job.makes_video = not body["path"].startswith("/v1/images")
        return job

    async def _poll(self, request: web.BaseRequest, id: str, order: Order | None) -> web.StreamResponse:
        if is_old(request.path):
            return await super()._poll(request, id, order)
        known = [self.jobs[one] for one in id.split(",") if one in self.jobs]
        for job in known:
            self.polls[job.id] += 1
            order = order or (job.next_polls.popleft() if job.next_polls else None)
        return await self._answer(request, order, well([self.shown(job) for job in known]))

    def _find(self, about: str) -> dict:
        """By what comes below a path of the old API, or in a list of the new one."""
        token = about.rpartition("/")[2]
        job = self._by_token.get(token)
        if not is_old(about):
            return well([self.shown(job)] if job else [])
        if job is None or self.orders[job.id].path != about.rpartition("/")[0]:
            raise self.refuse("not_found", f"task {token} is not found")
        return well(self.shown(job))

    def write_check(self) -> dict:
        newest = [job for job in reversed(self.jobs.values()) if is_old(self.orders[job.id].path)]
        return well([self.shown(job) for job in newest[:30]])

    def new_id(self, number: int) -> str:
        return f"84{number:016}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> int:
        return CODES.get(status, 5000)

    def write_refusal(self, refusal: Refusal) -> dict:
        return {"code": refusal.code, "message": refusal.message, "request_id": "sim"}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        return well(self.shown(job))

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return self.write_status(well(self.shown(job)), "submitted")

    def write_status(self, body: dict, status: str) -> dict:
        """Without what only a job that has ended shows."""
        ended = ("task_result", "final_unit_deduction", "outputs", "billing")
        jobs = body["data"] if isinstance(body["data"], list) else [body["data"]]
        said = [
            {name: status if name in ("status", "task_status") else value for name, value in job.items() if name not in ended}
            for job in jobs
        ]
        return well(said if isinstance(body["data"], list) else said[0])

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        return self.shown(job)

    def shown(self, job: UpstreamJob) -> dict[str, Any]:
        return self._shown_old(job) if is_old(self.orders[job.id].path) else self._shown_new(job)

    def _shown_old(self, job: UpstreamJob) -> dict[str, Any]:
        now, ordered = time.time(), self.orders[job.id]
        shown: dict[str, Any] = {
            "task_id": job.id,
            "task_status": "processing",
            "task_status_msg": "",
            "task_info": {"external_task_id": ordered.token},
            "created_at": int(job.created_at * 1000),
            "updated_at": int(now * 1000),
        }
        if not job.is_over(now):
            return shown
        if job.fate.error:
            return shown | {"task_status": "failed", "task_status_msg": ENDINGS[job.fate.error]}
        urls = self._urls(job)
        if job.makes_video:
            result: dict[str, Any] = {"videos": [{"id": f"{job.id}-{n}", "url": url, "duration": "5"} for n, url in enumerate(urls)]}
        else:
            result = {"images": [{"index": n, "url": url} for n, url in enumerate(urls)]}
        return shown | {"task_status": "succeed", "task_result": result, "final_unit_deduction": "1.5"}

    def _shown_new(self, job: UpstreamJob) -> dict[str, Any]:
        now, ordered = time.time(), self.orders[job.id]
        shown = {
            "id": job.id,
            "status": "processing",
            "message": "",
            "create_time": int(job.created_at * 1000),
            "update_time": int(now * 1000),
            "external_id": ordered.token,
        }
        if not job.is_over(now):
            return shown
        if job.fate.error:
            return shown | {"status": "failed", "message": ENDINGS[job.fate.error]}
        outputs = [{"type": "video", "url": url, "duration": "5"} for url in self._urls(job)]
        return shown | {"status": "succeeded", "outputs": outputs, "billing": [{"charge_type": "unit", "amount": "1.5"}]}

    def _urls(self, job: UpstreamJob) -> list[str]:
        return [f"{self.url}/results/{job.id}/{position}" for position in range(job.outputs)]


def is_old(path: str) -> bool:
    return path.startswith("/v1/")


def well(data: Any) -> dict[str, Any]:
    return {"code": 0, "message": "SUCCEED", "request_id": "sim", "data": data}
