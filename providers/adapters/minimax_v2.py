"""minimax_v2: H3 videos by version 2 of MiniMax's API, as its pages described it in November 2026. Hailuo speaks version 1 (minimax.py).

Errors have an HTTP status and a type; the code of version 1 stands in the brackets of a message. A job shows its model, its form and
when it was made, and nothing of ours: so a list of the newest ones proves nothing. A lost submit is settled by a call, as in version 1,
where the job that it names is of the model and the time of ours.

DELETE stops a job that is queued, and takes away the record, and the result, of one that is over. So the state is read first.
"""

import re
from collections.abc import Mapping, Sequence
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
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Reply
from ..outcomes import CLOCKS_APART, Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running
from . import Upstream
from .minimax import BASE_URL, ID, handle_of, knock

FACTS = Facts(
    kinds=frozenset({"video.generate"}),
    recovery=frozenset({"callback"}),
    cancel="free_while_queued",
    first_poll=timedelta(seconds=30),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=1),  # "limited in time"
    batch=20,  # its list takes ids; how many is told nowhere, so few
)
TIMEOUT_S = 15.0
PATH = "/v2/query/video_generation"

QUEUED = "queued"
STATUS: dict[str, words.Meaning] = {
    QUEUED: Running,
    "running": Running,
    "succeeded": Finished,
    "failed": Failed,
    "cancelled": Failed,
}
ERRORS: dict[str, type[UpstreamError]] = {
    "bad_request_error": Invalid,
    "authorized_error": Unauthenticated,
    "insufficient_balance_error": QuotaExceeded,
    "unprocessable_entity_error": Moderated,
    "rate_limit_error": RateLimited,  # and as many jobs at once as the account may have
    "server_error": Unavailable,
    "overloaded_error": Unavailable,
}
ERRORS_OF_A_SUBMIT = ERRORS | {"server_error": OutcomeUnknown}
ERRORS_OF_A_QUERY = ERRORS | {"bad_request_error": NotFound}  # a query has one parameter, which is the job
MODERATION = re.compile(r"\b102[67]\b")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        timeout_s = FACTS.submit_timeout.total_seconds()
        match await self._ask("POST", "/v2/video_generation", ERRORS_OF_A_SUBMIT, json=_written(job), timeout=timeout_s, paid=True):
            case {"task_id": str(id)} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("MiniMax's answer names no job.")

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._shown((job.handle or {})["id"]))

    async def poll_many(self, jobs: Sequence[Job]) -> Mapping[str, Polled]:
        asked = {(job.handle or {})["id"]: job.token for job in jobs}
        ids = "&".join(f"filter.task_ids={quote(id, safe='')}" for id in asked)
        match await self._ask("GET", f"{PATH}?page_num=1&page_size={len(asked)}&{ids}", ERRORS):
            case {"items": [*items]}:
                return {asked[task["id"]]: _polled(task) for task in dialect.of_ids(items, asked)}
        raise Unavailable("MiniMax's answer is no list of jobs.")

    async def cancel(self, job: Job) -> bool:
        id = (job.handle or {})["id"]
        if (await self._shown(id)).get("status") != QUEUED:
            return False
        try:
            said = await self._ask("DELETE", f"/v2/video_generation/{quote(id, safe='')}", ERRORS)
        except Invalid:  # it began a moment ago
            return False
        return isinstance(said, Mapping) and said.get("action") == "cancelled"

    async def check(self) -> None:
        await self._ask("GET", f"{PATH}?page_num=1&page_size=1", ERRORS)  # queries are free

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.hint is None:
            raise OutcomeUnknown("MiniMax has not called about this job yet.")
        if job.hint in job.held or not _may_be_ours(await self._shown(job.hint["id"]), job):
            raise OutcomeUnknown("MiniMax called about the job of another attempt.")
        return Accepted(job.hint)

    def handle_of(self, id: str) -> Mapping[str, Any]:
        return handle_of(id)

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"task": {"id": str(id)}} if ID.fullmatch(id):
                return Heard(handle={"id": id})
            case said:
                return knock(said)

    async def _shown(self, id: str) -> Mapping[str, Any]:
        match await self._ask("GET", f"{PATH}/{quote(id, safe='')}", ERRORS_OF_A_QUERY):
            case {"task": {"id": str(shown)} as task} if shown == id:
                return task
        raise Unavailable("MiniMax's answer describes another job, or none.")

    async def _ask(
        self,
        method: str,
        path: str,
        errors: Mapping[str, type[UpstreamError]],
        *,
        timeout: float = TIMEOUT_S,
        paid: bool = False,
        json: Any = None,
    ) -> Any:
        """An answer that says it is well; raises what any other means by these errors."""
        if not self._key:
            raise Unauthenticated("MiniMax needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}"}
        return _read(await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid), errors)


# How we write


def _upper(value: str) -> str:
    return value.upper()


FIELDS: dialect.Fields = {
    "resolution": ("resolution", _upper),
    "duration": ("duration", int),
    "aspect_ratio": ("ratio", as_it_is),
}
CONTENT = ("prompt", "frame_images", "input_references")


def _written(job: Job) -> dict[str, Any]:
    fields = dialect.written(job, {name: value for name, value in job.input.items() if name not in CONTENT}, FIELDS)
    frames, references = dialect.frames(job), dialect.urls(job.input.get("input_references") or [])
    if frames and references:
        raise Invalid(f"{job.model} takes frames or references, not both.", field="input_references")
    if not (frames or references or "ratio" in fields):
        raise Invalid(f"{job.model} needs an aspect ratio where it has no picture to take it from.", field="aspect_ratio")
    pictures = [*frames.items(), *(("reference_image", url) for url in references)]
    content = [{"type": "text", "text": job.input.get("prompt", "")}, *(_picture(role, url) for role, url in pictures)]
    address = {"callback_url": job.callback_url} if job.callback_url else {}
    return {"model": job.model, "content": content, **fields, **address}


def _picture(role: str, url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}, "role": role}


# How we read


def _read(reply: Reply, errors: Mapping[str, type[UpstreamError]]) -> Any:
    said = reply.json()
    type_, message = _error(said)
    if reply.status == 200 and type_ is None:
        return said
    kind = errors.get(type_) if isinstance(type_, str) else None
    raise dialect.refusal(kind, reply, vendor="MiniMax", code=type_, message=message)


def _error(said: Any) -> tuple[Any, Any]:
    match said:
        case {"error": {"type": type_, **rest}}:
            return type_, rest.get("message")
    return None, None


def _polled(task: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(task.get("status"), STATUS, of="minimax_v2")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(_verdict(task.get("error")))
    match task:
        case {"content": {"url": str(url)}} if url:
            return Finished((Found(url=url),))
    return Failed(NoOutput())


def _verdict(error: Any) -> UpstreamError:
    code, message = (error.get("code"), str(error.get("message") or "")[:300]) if isinstance(error, Mapping) else (None, "")
    return (Moderated if MODERATION.search(f"{code} {message}") else GenerationFailed)(message)


def _may_be_ours(task: Mapping[str, Any], job: Job) -> bool:
    """Whether the job is of our model, and was made about when ours was sent."""
    made_at = task.get("created_at")
    if task.get("model") != job.model or not isinstance(made_at, int) or job.sent_at is None:
        return False
    late = FACTS.submit_timeout + CLOCKS_APART
    return job.sent_at - CLOCKS_APART <= datetime.fromtimestamp(made_at, UTC) <= job.sent_at + late
