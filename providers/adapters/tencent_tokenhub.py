"""tencent_tokenhub: Hunyuan pictures and videos of Tencent TokenHub, as its young pages described it in November 2026.

POST /v1/wand/hunyuan-image/…           answers with the picture, after some 20 seconds
POST /v1/api/video/submit → {id}, POST /v1/api/video/query {model, id} → {status, data: {url}}: the model belongs to the question

Of its two generations this asks the newer for pictures and the older for videos, whose newer query no page tells. There is no token, no
list, no callback and no cancel, so a lost submit is never sent again. What a query answers for an id that it does not know is told nowhere
either, so 404 is taken for that and nothing else.

Quirks: HTTP 402 and 451 are real, and come before the code, whose first digits may say otherwise; an error can sit within an HTTP 200.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from .. import dialect, words
from ..dialect import Fields, as_it_is
from ..errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Refused,
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
    first_poll=timedelta(seconds=20),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(minutes=5),
    results_live=timedelta(hours=12),  # of pictures; of videos nobody tells
)
BASE_URL = "https://tokenhub.tencentmaas.com"
TIMEOUT_S = 15.0
SUBMIT, QUERY = "/v1/api/video/submit", "/v1/api/video/query"
NOBODYS = {"model": "hy-video-1.5", "id": "darkroom-check"}  # a job that there is not, to ask about for nothing

STATUS: dict[str, words.Meaning] = {
    "queued": Running,
    "in_progress": Running,
    "processing": Running,
    "completed": Finished,
    "failed": Failed,
    "cancelled": Failed,
}
STATUSES: dict[int, type[UpstreamError]] = {
    400: Invalid,
    401: Unauthenticated,
    402: QuotaExceeded,
    403: Unauthenticated,
    404: NotFound,
    429: RateLimited,
    451: Moderated,
    502: Unavailable,
}
STATUSES_OF_A_SUBMIT = STATUSES | {404: Retired, 502: OutcomeUnknown}
NO_SUCH_MODEL = "400004"
# What an error's type means where it ends a job, or sits within an answer that went well.
TYPES: dict[str, type[UpstreamError]] = {"content_filter_error": Moderated, "invalid_request_error": Invalid}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key", "")

    async def submit(self, job: Job) -> Accepted | Finished:
        path, write, read = _way(job)
        return read(await self._ask(path, write(job), timeout=FACTS.submit_timeout.total_seconds(), paid=True), job)

    async def poll(self, job: Job) -> Polled:
        handle = job.handle or {}
        said = await self._ask(QUERY, {"model": handle["model"], "id": handle["id"]})
        if not isinstance(said, Mapping) or said.get("id") != handle["id"]:
            raise Unavailable("TokenHub's answer describes another job.")
        return _polled(said)

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        with suppress(Refused, NotFound):  # then it read the question, and knew our key
            await self._ask(QUERY, NOBODYS)

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("TokenHub keeps no list of jobs.")

    async def _ask(self, path: str, body: Mapping[str, Any], *, timeout: float = TIMEOUT_S, paid: bool = False) -> Any:
        """The answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("TokenHub needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}"}
        return _read(await self._http.request("POST", self._base + path, headers=headers, json=body, timeout=timeout, paid=paid))


# How we write


def _picture(job: Job) -> dict[str, Any]:
    _check_count(job)
    return {"model": job.model, **dialect.written(job, job.input, {**PICTURE_FIELDS, **GIVEN_PICTURES})}


def _message(job: Job) -> dict[str, Any]:
    """The order of a picture as a chat's message."""
    _check_count(job)
    fields = dialect.written(job, dialect.without(job.input, "prompt", "images"), PICTURE_FIELDS)
    pictures = [{"type": "image_url", "image_url": {"url": dialect.url(image)}} for image in job.input.get("images") or ()]
    content = [{"type": "text", "text": job.input["prompt"]}, *pictures]
    return {"model": job.model, "messages": [{"role": "user", "content": content}], **fields}


def _check_count(job: Job) -> None:
    if len(job.input.get("images") or ()) > MOST_GIVEN:
        raise Invalid(f"{job.model} takes {MOST_GIVEN} pictures to draw from.", field="images")


def _video(job: Job) -> dict[str, Any]:
    frames = dialect.frames(job, takes=("first_frame",))
    fields = dialect.written(job, dialect.without(job.input, "frame_images"), VIDEO_FIELDS)
    return {"model": job.model, **fields} | ({"image": {"url": frames["first_frame"]}} if frames else {})


MOST_GIVEN = 3
PICTURE_FIELDS: Fields = {"prompt": ("prompt", as_it_is), "size": ("size", as_it_is), "seed": ("seed", int)}
GIVEN_PICTURES: Fields = {"images": ("images", dialect.urls)}
VIDEO_FIELDS: Fields = {"prompt": ("prompt", as_it_is), "resolution": ("resolution", as_it_is)}


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200:
        return said
    match said:
        case {"error": {"code": str() | int() as code, **more}}:
            kind = (STATUSES_OF_A_SUBMIT if reply.paid else STATUSES).get(reply.status)
            if str(code) == NO_SUCH_MODEL:
                kind = Retired
            raise dialect.refusal(kind, reply, vendor="TokenHub", code=code, message=more.get("message"))
    raise dialect.in_doubt(reply.paid)(f"TokenHub answered with status {reply.status}, and its answer cannot be read.")


def _accepted(said: Any, job: Job) -> Accepted:
    id = said.get("id") if isinstance(said, Mapping) else None
    if not (isinstance(id, str) and id):
        raise OutcomeUnknown("TokenHub's answer names no job.")
    return Accepted({"model": job.model, "id": id})


def _drawn(said: Any, job: Job) -> Finished:
    match said:
        case {"error": Mapping() as error}:
            raise _ending(error)
        case {"data": list(parts)}:
            return _finished([part.get("url") for part in parts if isinstance(part, Mapping)])
    raise OutcomeUnknown("TokenHub's answer cannot be read.")


def _answered(said: Any, job: Job) -> Finished:
    """A picture in the shape of a chat's answer."""
    match said:
        case {"error": Mapping() as error}:
            raise _ending(error)
        case {"choices": list(choices)}:
            return _finished([_url_of(choice) for choice in choices])
    raise OutcomeUnknown("TokenHub's answer cannot be read.")


def _url_of(choice: Any) -> str | None:
    match choice:
        case {"delta": {"image": {"url": str(url)}}}:
            return url
    return None


def _finished(urls: list[Any]) -> Finished:
    outputs = tuple(Found(url=url) for url in urls if isinstance(url, str) and url)
    if not outputs:
        raise NoOutput()
    return Finished(outputs)


def _polled(said: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(said.get("status"), STATUS, of="tencent_tokenhub")
    if outcome is Running:
        return Running(_progress(said))
    if outcome is Failed:
        error = said.get("error")
        return Failed(_ending(error if isinstance(error, Mapping) else {}))
    match said.get("data"):
        case {"url": str(url)} if url:
            return Finished((Found(url=url),))
    return Failed(NoOutput())


def _progress(said: Mapping[str, Any]) -> float | None:
    percent = dialect.number(said.get("progress"))
    return percent / 100 if percent is not None and 0 <= percent <= 100 else None


def _ending(error: Mapping[str, Any]) -> UpstreamError:
    return TYPES.get(str(error.get("type")), GenerationFailed)(str(error.get("message") or "")[:300])


Way = tuple[str, Callable[[Job], dict[str, Any]], Callable[[Any, Job], Accepted | Finished]]

# By kind and model: where it is ordered, how that is written, and how the answer is read.
WAYS: dict[tuple[str, str], Way] = {
    ("image.generate", "hy-image-v3"): ("/v1/wand/hunyuan-image/v3-generation", _picture, _drawn),
    ("image.generate", "hy-image-v3.5-preview"): ("/v1/wand/hunyuan-image/v35-generation", _message, _answered),
    ("video.generate", "hy-video-1.5"): (SUBMIT, _video, _accepted),
    ("video.generate", "yt-video-2.0"): (SUBMIT, _video, _accepted),
}


def _way(job: Job) -> Way:
    if (job.kind, job.model) not in WAYS:
        raise Retired(f"TokenHub has no {job.model!r} for {job.kind}, or none that we know.")
    return WAYS[job.kind, job.model]
