"""kling: videos and pictures of the KlingAI open platform, as its pages described it in November 2026.

Two generations of its API are live, and a model's name tells by which it is called:
    old  kling-v2-5-turbo   POST and GET below a path for each kind (/v1/videos/text2video); an API key, or a JWT made of two keys
    new  kling-2.6          POST /text-to-video/{model}, GET /tasks; an API key only
Pictures are of the old one. The new one has no negative prompt; neither has seeds, masks or sizes in pixels, and no job can be stopped.

A job is known by `external_task_id`, our token, in both, so a lost submit is looked up. What a second submit with the same one answers is
told nowhere: none is sent. Callbacks are signed only where the console says so, and are believed in no case.
"""

import hmac
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson

from .. import dialect, words
from ..dialect import as_it_is
from ..errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Reply
from ..outcomes import Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    recovery=frozenset({"looks_up", "callback"}),
    first_poll=timedelta(seconds=20),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    shows_within=timedelta(minutes=3),  # how soon a look-up shows a job is told nowhere
    results_live=timedelta(days=30),
    batch=20,  # the new API; the old one tells of one at a time
)
BASE_URL = "https://api-singapore.klingai.com"  # in China https://api-beijing.klingai.com, as the provider's base URL
TIMEOUT_S = 15.0

# The old generation says `succeed`, the new one `succeeded`.
STATUS: dict[str, words.Meaning] = {
    "submitted": Running,
    "processing": Running,
    "succeed": Finished,
    "succeeded": Finished,
    "failed": Failed,
}
ERRORS: dict[int, type[UpstreamError]] = {
    1000: Unauthenticated,
    1001: Unauthenticated,
    1002: Unauthenticated,
    1003: Unauthenticated,  # our token is not valid yet, or (1004) not any more: a clock is wrong
    1004: Unauthenticated,
    1100: QuotaExceeded,  # 1100 to 1102 come as HTTP 429 and are about money: the account, arrears, a used-up pack
    1101: QuotaExceeded,
    1102: QuotaExceeded,
    1103: Unauthenticated,
    1200: Invalid,
    1201: Invalid,
    1202: NotFound,
    1203: NotFound,
    1300: Moderated,
    1301: Moderated,
    1302: RateLimited,
    1303: RateLimited,  # as many jobs at once as the pack allows
    1304: Unauthenticated,  # comes as HTTP 429 and means that our address is not on the account's list
    5000: Unavailable,
    5001: Unavailable,
    5002: Unavailable,
}
# A submit names no resource but the model, so that is what is missing; and 5002 is a time-out behind the door, past which it may be bought.
ERRORS_OF_A_SUBMIT = ERRORS | {1202: Retired, 1203: Retired, 5002: OutcomeUnknown}
# A job that ends badly says why in free text only.
MODERATION = re.compile("risk control", re.IGNORECASE)

TEXT_TO_VIDEO, IMAGE_TO_VIDEO, IMAGES = "/v1/videos/text2video", "/v1/videos/image2video", "/v1/images/generations"
FRAMES = {"first_frame": "image", "last_frame": "image_tail"}  # ours and the new generation's words → the old one's
MAKES = {"video.generate": "video", "image.generate": "image"}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http, self._keys = upstream.base_url.rstrip("/") or BASE_URL, upstream.http, upstream.credentials

    async def submit(self, job: Job) -> Accepted | Finished:
        path = _path(job)
        data = await self._ask("POST", path, json=_written(job), timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        handle = _handle(data, path)
        if handle is None:
            raise OutcomeUnknown("Kling's answer names no job.")
        return Accepted(handle)

    async def poll(self, job: Job) -> Polled:
        handle = job.handle or {}
        path = handle.get("path", "")
        shown = await self._shown(path, "task_ids", handle["id"])
        if shown is None:
            raise NotFound("Kling does not know this job.")
        if _handle(shown, path) != handle:
            raise Unavailable("Kling's answer describes another job.")
        return _polled(shown, MAKES.get(job.kind, ""))

    async def poll_many(self, jobs: Sequence[Job]) -> Mapping[str, Polled]:
        asked = {job.handle["id"]: job for job in jobs if job.handle and "path" not in job.handle}
        if not asked:
            return {}
        data = await self._ask("GET", f"/tasks?task_ids={','.join(quote(id, safe='') for id in asked)}")
        if not isinstance(data, list):
            raise Unavailable("Kling's answer is no list of jobs.")
        shown = dialect.of_ids(data, asked)
        return {asked[one["id"]].token: _polled(one, MAKES.get(asked[one["id"]].kind, "")) for one in shown}

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        await self._ask("GET", f"{TEXT_TO_VIDEO}?pageNum=1&pageSize=1")  # queries are free

    async def find(self, job: Job) -> Accepted | Finished | None:
        path = _path(job)
        shown = await self._shown(path if _is_old(path) else "", "external_task_ids", job.token)
        if shown is None:
            return None
        handle = _handle(shown, path)
        if handle is None or not _is_of(shown, job.token):
            raise OutcomeUnknown("Kling's answer names another job, or none.")
        return Accepted(handle)

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"id": str(id), "status": str()}:
                return Heard(handle={"id": id})
        return Heard()  # the old generation's calls do not say below which path their job is

    async def _shown(self, path: str, by: str, id: str) -> Mapping[str, Any] | None:
        """The job of this id: below its path in the old generation, in a list `by` a kind of id in the new; None where it is not there."""
        if path:
            try:
                return _record(await self._ask("GET", f"{path}/{quote(id, safe='')}"))
            except NotFound:
                return None
        data = await self._ask("GET", f"/tasks?{by}={quote(id, safe='')}")
        if not isinstance(data, list):
            raise Unavailable("Kling's answer is no list of jobs.")
        return _record(data[0]) if data else None

    async def _ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """The `data` of an answer that says it is well; raises what any other means."""
        headers = {"Authorization": f"Bearer {self._bearer(path)}"}
        return _read(await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid))

    def _bearer(self, path: str) -> str:
        if key := self._keys.get("api_key"):
            return key
        access_key, secret_key = self._keys.get("access_key"), self._keys.get("secret_key")
        if not (access_key and secret_key):
            raise Unauthenticated("Kling needs an api_key, or an access_key and a secret_key.")
        if not _is_old(path):
            raise Unauthenticated("Kling's new API needs an api_key: an access_key and a secret_key open the old one only.")
        return jwt(access_key, secret_key, time.time())


# How we write


def jwt(access_key: str, secret_key: str, now: float) -> str:
    """A token of half an hour, valid from a little before now on, for clocks differ."""
    claims = {"iss": access_key, "exp": int(now) + 1800, "nbf": int(now) - 5}
    signed = f"{_base64(orjson.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{_base64(orjson.dumps(claims))}"
    return f"{signed}.{_base64(hmac.digest(secret_key.encode(), signed.encode(), 'sha256'))}"


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _is_old(path: str) -> bool:
    return path.startswith("/v1/")


def _path(job: Job) -> str:
    """Where the job is ordered; `input` as a client wrote it will do."""
    if job.kind == "image.generate":
        return IMAGES
    has_frames = bool(job.input.get("frame_images"))
    if job.model.startswith("kling-v"):
        return IMAGE_TO_VIDEO if has_frames else TEXT_TO_VIDEO
    return f"/{'image-to-video' if has_frames else 'text-to-video'}/{quote(job.model, safe='')}"


def _written(job: Job) -> dict[str, Any]:
    if job.kind == "image.generate":
        return _old(job, dialect.written(job, job.input, IMAGE_FIELDS))
    given = {name: value for name, value in job.input.items() if name != "frame_images"}
    frames = dialect.frames(job)
    if not _is_old(_path(job)):
        return _new(job, given, frames)
    if frames and "aspect_ratio" in given:
        raise Invalid(f"{job.model} takes its aspect ratio from the first frame: leave it out.", field="aspect_ratio")
    return _old(job, dialect.written(job, given, VIDEO_FIELDS) | {FRAMES[frame]: url for frame, url in frames.items()})


def _old(job: Job, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"model_name": job.model, **fields, **_marks(job)}


def _new(job: Job, given: Mapping[str, Any], frames: Mapping[str, str]) -> dict[str, Any]:
    prompt = given.get("prompt", "")
    settings = dialect.written(job, {name: value for name, value in given.items() if name != "prompt"}, SETTINGS)
    contents = [{"type": "prompt", "text": prompt}, *({"type": frame, "url": url} for frame, url in frames.items())]
    return ({"contents": contents} if frames else {"prompt": prompt}) | {"settings": settings, "options": _marks(job)}


def _marks(job: Job) -> dict[str, str]:
    """What tells that the job is ours."""
    return {"external_task_id": job.token} | ({"callback_url": job.callback_url} if job.callback_url else {})


def _text(value: float) -> str:
    return f"{value:g}"


def _only(images: list[Any]) -> str:
    if len(images) != 1:
        raise Invalid("Kling takes one picture to draw from.", field="images")
    return dialect.url(images[0])


VIDEO_FIELDS: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "negative_prompt": ("negative_prompt", as_it_is),
    "duration": ("duration", _text),
    "mode": ("mode", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "generate_audio": ("sound", {True: "on", False: "off"}.__getitem__),
}
IMAGE_FIELDS: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "negative_prompt": ("negative_prompt", as_it_is),
    "images": ("image", _only),
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "n": ("n", int),
}
SETTINGS: dialect.Fields = {
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "duration": ("duration", int),
    "generate_audio": ("audio", {True: "native", False: "off"}.__getitem__),
}


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    said = said if isinstance(said, dict) else {}
    code = said.get("code")
    if code == 0 and reply.status == 200:
        return said.get("data")
    errors = ERRORS_OF_A_SUBMIT if reply.paid else ERRORS
    kind = errors.get(code) if isinstance(code, int) else None
    raise dialect.refusal(kind, reply, vendor="Kling", code=code, message=said.get("message"))


def _record(data: Any) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise Unavailable("Kling's answer describes no job.")
    return data


def _handle(data: Any, path: str) -> dict[str, str] | None:
    """All that is needed to ask again; None where the data name no job."""
    id = data.get("task_id" if _is_old(path) else "id") if isinstance(data, Mapping) else None
    if not (isinstance(id, str) and id):
        return None
    return {"path": path, "id": id} if _is_old(path) else {"id": id}


def _is_of(shown: Mapping[str, Any], token: str) -> bool:
    """Whether the job shows our token; the old generation, which is asked for this one job, may leave it out."""
    match shown:
        case {"task_info": {"external_task_id": str(id)}} | {"external_id": str(id)}:
            return id == token
    return "task_id" in shown


def _polled(shown: Mapping[str, Any], makes: str) -> Polled:
    outcome = words.meaning(shown.get("task_status", shown.get("status")), STATUS, of="kling")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        message = str(shown.get("task_status_msg") or shown.get("message") or "")[:300]
        return Failed((Moderated if MODERATION.search(message) else GenerationFailed)(message))
    outputs = tuple(Found(url=url) for url in _urls(shown, makes))
    return Finished(outputs, cost=_cost(shown)) if outputs else Failed(NoOutput())


def _urls(shown: Mapping[str, Any], makes: str) -> list[str]:
    """Where the results are: of the old generation below a word of their kind, of the new one in a list with sounds among them."""
    match shown:
        case {"task_result": Mapping() as result}:
            results = result.get(f"{makes}s")
        case {"outputs": list(outputs)}:
            results = [one for one in outputs if isinstance(one, Mapping) and one.get("type") == makes]
        case _:
            results = None
    return [one["url"] for one in results or () if isinstance(one, Mapping) and isinstance(one.get("url"), str)]


def _cost(shown: Mapping[str, Any]) -> float | None:
    """Units, or money where the account pays as it goes; None where nothing, or both, is told."""
    match shown:
        case {"final_unit_deduction": amount} | {"billing": [{"amount": amount}]}:
            return dialect.number(amount)
    return None
