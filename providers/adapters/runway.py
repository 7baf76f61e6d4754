"""runway: videos and pictures of Runway's developer API, as its pages described it in November 2026.

There is a path for each way to make something, and what an order brings along tells which. There is neither a token, nor a list, nor a
call: a submit whose answer is lost is never settled by itself, and its job, if there is one, is linked by an operator.

Little is told apart by its status: 400 is a wrong input or an empty account, which only the text tells, and 504 leaves open what was
bought where 502 and 503 do not. DELETE stops a job that waits, and takes away the result of one that is over: so the state is read first.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

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
from ..outcomes import Accepted, Balance, Facts, Failed, Finished, Found, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    cancel="free_while_queued",
    first_poll=timedelta(seconds=10),
    pace=timedelta(seconds=7),  # no oftener than every 5 s, and ours comes up to a fifth early
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=24),
)
BASE_URL = "https://api.dev.runwayml.com"
VERSION = "2024-11-06"
TIMEOUT_S = 15.0

WAITS = ("PENDING", "THROTTLED")
STATUS: dict[str, words.Meaning] = {
    "PENDING": Running,
    "THROTTLED": Running,  # taken, and held back by how many we may have at once
    "RUNNING": Running,
    "SUCCEEDED": Finished,
    "FAILED": Failed,
    "CANCELLED": Failed,
}
ERRORS: dict[int, type[UpstreamError]] = {
    400: Invalid,
    401: Unauthenticated,
    404: NotFound,
    429: RateLimited,
    502: Unavailable,
    503: Unavailable,
}
ERRORS_OF_A_SUBMIT = ERRORS | {404: Retired}  # a submit names no job, so it is the way to make it that is gone
NO_MONEY = re.compile("not have enough credits", re.IGNORECASE)
# Why a job failed, by the beginning of its code.
FAILURES: tuple[tuple[str, type[UpstreamError]], ...] = (
    ("SAFETY.", Moderated),
    ("INPUT_PREPROCESSING.SAFETY.", Moderated),
    ("ASSET.INVALID", Invalid),
)

ID = re.compile(r"[A-Za-z0-9-]{1,100}")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        path, body = _order(job)
        reply = await self._call("POST", path, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        match _read(reply):
            case {"id": str(id)} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("Runway's answer names no job.")

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._shown((job.handle or {})["id"]))

    async def cancel(self, job: Job) -> bool:
        id = (job.handle or {})["id"]
        if (await self._shown(id)).get("status") not in WAITS:
            return False
        reply = await self._call("DELETE", f"/v1/tasks/{quote(id, safe='')}")
        return reply.status == 204 or bool(_read(reply))

    async def check(self) -> Balance | None:
        match _read(await self._call("GET", "/v1/organization")):
            case {"creditBalance": int() | float() as left}:
                return dialect.balance(left, "credits", vendor="Runway")
        return None

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Runway has no list in which a job could be looked for.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not ID.fullmatch(id):
            raise Invalid("A job of Runway is known by a UUID, as in 7d1e4c3a-5b0c-4000-8000-a1b2c3d4e5f6.")
        return {"id": id}

    async def _shown(self, id: str) -> Mapping[str, Any]:
        match _read(await self._call("GET", f"/v1/tasks/{quote(id, safe='')}")):
            case {"id": str(shown)} as task if shown == id:
                return task
        raise Unavailable("Runway's answer describes another job, or none.")

    async def _call(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Reply:
        if not self._key:
            raise Unauthenticated("Runway needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}", "X-Runway-Version": VERSION}
        return await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid)


# How we write


def _one_of(ratios: Mapping[str, str]) -> Callable[[Any], str]:
    def write(value: str) -> str:
        if value not in ratios:
            raise Invalid(f"Runway makes this in {', '.join(ratios)} only.", field="aspect_ratio")
        return ratios[value]

    return write


def _size(value: str) -> str:
    return value.replace("x", ":")


def _references(images: list[Any]) -> list[dict[str, str]]:
    return [{"uri": url} for url in dialect.urls(images)]


OF_TEXT = {"16:9": "1280:720", "9:16": "720:1280"}
OF_FRAMES = OF_TEXT | {"4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
COMMON: dialect.Fields = {"prompt": ("promptText", as_it_is), "seed": ("seed", int)}
VIDEO: dialect.Fields = COMMON | {"duration": ("duration", int)}
VIDEO_OF_TEXT: dialect.Fields = VIDEO | {"aspect_ratio": ("ratio", _one_of(OF_TEXT))}
VIDEO_OF_FRAMES: dialect.Fields = VIDEO | {"aspect_ratio": ("ratio", _one_of(OF_FRAMES))}
PICTURE: dialect.Fields = COMMON | {"size": ("ratio", _size), "images": ("referenceImages", _references)}
VIDEOS, PICTURES = ("gen4.5", "gen4_turbo"), ("gen4_image", "gen4_image_turbo")
MOST_PROMPT = 1000  # in units of UTF-16


def _order(job: Job) -> tuple[str, dict[str, Any]]:
    """Where the job is ordered, and how."""
    if len(str(job.input.get("prompt", "")).encode("utf-16-le")) > 2 * MOST_PROMPT:
        raise Invalid(f"Runway takes a prompt of {MOST_PROMPT} characters, and counts some, such as emoji, twice.", field="prompt")
    if job.model in VIDEOS:
        return _video(job)
    if job.model in PICTURES:
        return "/v1/text_to_image", {"model": job.model} | dialect.written(job, job.input, PICTURE)
    raise Retired(f"Darkroom does not speak to {job.model}, only to {', '.join(VIDEOS + PICTURES)}.")


def _video(job: Job) -> tuple[str, dict[str, Any]]:
    given = {name: value for name, value in job.input.items() if name != "frame_images"}
    frames = dialect.frames(job, takes=("first_frame",))
    if not frames and job.model == "gen4_turbo":
        raise Invalid(f"{job.model} makes videos from a first frame.", field="frame_images")
    fields = dialect.written(job, given, VIDEO_OF_FRAMES if frames else VIDEO_OF_TEXT)
    if not frames:
        return "/v1/text_to_video", {"model": job.model} | fields
    return "/v1/image_to_video", {"model": job.model, "promptImage": frames["first_frame"]} | fields


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200:
        return said
    error = said.get("error") if isinstance(said, Mapping) else None
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(reply.status)
    if kind is Invalid and NO_MONEY.search(str(error)):
        kind = QuotaExceeded
    raise dialect.refusal(kind if isinstance(error, str) else None, reply, vendor="Runway", code=reply.status, message=error)


def _polled(task: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(task.get("status"), STATUS, of="runway")
    if outcome is Running:
        progress = dialect.number(task.get("progress"))
        return Running(progress if progress is None else min(max(progress, 0.0), 1.0))
    if outcome is Failed:
        return Failed(_verdict(task.get("failureCode"), task.get("failure")))
    output = task.get("output")
    outputs = tuple(Found(url=url) for url in output if isinstance(url, str)) if isinstance(output, list) else ()
    return Finished(outputs, cost=_cost(task)) if outputs else Failed(NoOutput())


def _verdict(code: Any, message: Any) -> UpstreamError:
    kind = next((kind for beginning, kind in FAILURES if str(code).startswith(beginning)), GenerationFailed)
    return kind(str(message or "")[:300])


def _cost(task: Mapping[str, Any]) -> float | None:
    """Runway's credits."""
    match task:
        case {"cost": {"credits": credits}}:
            return dialect.number(credits)
    return None
