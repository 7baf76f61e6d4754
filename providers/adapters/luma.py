"""luma: videos and pictures of Luma's Agents API, as its pages described it in November 2026. (Dream Machine, its older API, is another
service with keys of its own.)

There is one path for all. No token, no list and no call: a submit whose answer is lost is never settled by itself, and its job, if there is
one, is linked by an operator. Nothing stops a job, and none tells how far it is or what it cost.

How errors are written is told nowhere, so they mean by their status, and any text of theirs is passed on where the request is at fault. A
job's trouble with our account is told in the job, as a failure.

Each look at a job signs its files anew, for an hour.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
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
from ..outcomes import Accepted, Facts, Failed, Finished, Found, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    first_poll=timedelta(seconds=5),
    pace=timedelta(seconds=5),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=1),
)
BASE_URL = "https://agents.lumalabs.ai"
API = "/v1"
TIMEOUT_S = 15.0

STATUS: dict[str, words.Meaning] = {"queued": Running, "processing": Running, "completed": Finished, "failed": Failed}
ERRORS: dict[int, type[UpstreamError]] = {
    400: Invalid,
    401: Unauthenticated,
    402: QuotaExceeded,
    403: Unauthenticated,
    404: NotFound,
    422: Invalid,
    429: RateLimited,  # of a minute, or of jobs at once
}
ERRORS_OF_A_SUBMIT = ERRORS | {404: Retired}  # a submit names no job, so it is the model that is not there
# Why a job failed. Its other words are of Luma's own troubles or of our account's, and each means that nothing was made.
FAILURES: dict[str, type[UpstreamError]] = {
    "content_moderated": Moderated,
    **dict.fromkeys(("image_too_large", "unsupported_format", "corrupt_input", "invalid_request"), Invalid),
    "output_not_found": NoOutput,
}

ID = re.compile(r"[A-Za-z0-9-]{1,100}")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        base = upstream.base_url.rstrip("/").removesuffix(API) or BASE_URL
        self._base, self._http, self._key = base + API, upstream.http, upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        body = _written(job)
        match await self._ask("POST", "/generations", json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True):
            case {"id": str(id)} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("Luma's answer names no job.")

    async def poll(self, job: Job) -> Polled:
        id = (job.handle or {})["id"]
        match await self._ask("GET", f"/generations/{quote(id, safe='')}"):
            case {"id": str(shown)} as generation if shown == id:
                return _polled(generation, now=datetime.now(UTC))
        raise Unavailable("Luma's answer describes another job, or none.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        """Lists our files there, of which there are none: they go by URL."""
        await self._ask("GET", "/files")

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Luma has no list in which a job could be looked for.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not ID.fullmatch(id):
            raise Invalid("A job of Luma is known by a UUID, as in d2900000-5b0c-4000-8000-a1b2c3d4e5f6.")
        return {"id": id}

    async def _ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """An answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Luma needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}"}
        return _read(await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid))


# How we write


def _seconds(value: Any) -> str:
    return f"{int(value)}s"


def _references(images: list[Any]) -> list[dict[str, str]]:
    return [{"url": url} for url in dialect.urls(images)]


VIDEO: dialect.Fields = {"duration": ("duration", _seconds), "resolution": ("resolution", as_it_is)}  # within `video`
FRAMES = {"first_frame": "start_frame", "last_frame": "end_frame"}
OF_A_VIDEO: dialect.Fields = {"prompt": ("prompt", as_it_is), "aspect_ratio": ("aspect_ratio", as_it_is)}
OF_A_PICTURE: dialect.Fields = OF_A_VIDEO | {"images": ("image_ref", _references), "output_format": ("output_format", as_it_is)}
VIDEOS, PICTURES = ("ray-3.2",), ("uni-1", "uni-1-max")
LONGEST_WITH_FRAMES_S = 5


def _written(job: Job) -> dict[str, Any]:
    if job.model in VIDEOS:
        return {"type": "video", "model": job.model} | _video(job)
    if job.model in PICTURES:
        given = job.input if job.input.get("images") else dialect.without(job.input, "images")
        return {"type": "image", "model": job.model} | dialect.written(job, given, OF_A_PICTURE)
    raise Retired(f"Darkroom does not speak to {job.model}, only to {', '.join(VIDEOS + PICTURES)}.")


def _video(job: Job) -> dict[str, Any]:
    frames = dialect.frames(job)
    if frames and job.input.get("duration", 0) > LONGEST_WITH_FRAMES_S:
        raise Invalid(f"{job.model} makes {LONGEST_WITH_FRAMES_S} s at most where it is given frames.", field="duration")
    inner = {name: value for name, value in job.input.items() if name in VIDEO}
    video = dialect.written(job, inner, VIDEO) | {FRAMES[frame]: {"url": url} for frame, url in frames.items()}
    return dialect.written(job, dialect.without(job.input, "frame_images", *VIDEO), OF_A_VIDEO) | {"video": video}


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if 200 <= reply.status < 300:
        return said
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(reply.status)
    raise dialect.refusal(kind, reply, vendor="Luma", code=reply.status, message=_text(said))


def _text(said: Any) -> str:
    match said:
        case {"detail": detail} | {"error": detail} | {"message": detail}:
            return detail if isinstance(detail, str) else dialect.complaints(detail)
    return ""


def _polled(generation: Mapping[str, Any], *, now: datetime) -> Polled:
    outcome = words.meaning(generation.get("state"), STATUS, of="luma")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        kind = FAILURES.get(str(generation.get("failure_code")), GenerationFailed)
        return Failed(kind(_reason(generation, kind)))
    output = generation.get("output")
    files = [one for one in output if isinstance(one, Mapping)] if isinstance(output, list) else []
    lives_until = now + FACTS.results_live
    outputs = tuple(Found(url=one["url"], lives_until=lives_until) for one in files if isinstance(one.get("url"), str))
    return Finished(outputs) if outputs else Failed(NoOutput())


def _reason(generation: Mapping[str, Any], kind: type[UpstreamError]) -> str:
    """Its own text where the request is at fault; of our account's troubles a client learns no more than the code."""
    code, told = generation.get("failure_code"), generation.get("failure_reason")
    if kind is GenerationFailed or not isinstance(told, str):
        return f"Luma's reason is {str(code)[:40]}." if code else ""
    return told[:300]
