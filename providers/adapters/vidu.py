"""vidu: videos of Vidu's API, as its pages described it in November 2026.

There is a path for each way to make a video, and what an order brings along tells which: a text alone, a first frame, first and last ones,
or pictures of who is to be in it. An error is known by its `reason`; which HTTP status it comes with is told of few.

`payload` comes back in every answer, so our token stands in it. The same one twice makes two jobs: none is sent twice. A lost submit is
looked for in the list of jobs, page by page, until ours is found, the list ends, or its jobs are older than ours could be. In which order
it comes is told nowhere, so older ones end the search only where all that was read came newest first. Callbacks are signed, but their
bodies are not.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
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
    Refused,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Reply
from ..outcomes import CLOCKS_APART, Accepted, Balance, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"video.generate"}),
    recovery=frozenset({"looks_up", "callback"}),
    cancel="free_while_queued",  # credits are returned for what is not made
    first_poll=timedelta(seconds=20),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    shows_within=timedelta(minutes=3),  # how soon the list shows a job is told nowhere
    results_live=timedelta(hours=24),
    batch=100,
)
BASE_URL = "https://api.vidu.com"  # in China https://api.vidu.cn, as the provider's base URL
TIMEOUT_S = 15.0
PAGE, MOST_PAGES = 100, 50  # jobs of a list; pages that are read for one of them

STATUS: dict[str, words.Meaning] = {
    "created": Running,
    "queueing": Running,
    "processing": Running,
    "success": Finished,
    "failed": Failed,
}
ERRORS: dict[str, type[UpstreamError]] = {
    **dict.fromkeys(
        (
            "BadRequest",
            "FieldLacking",
            "FieldUnwanted",
            "FieldInvalid",
            "FieldItemCountOutOfRange",
            "PageSizeOutOfRange",
            "ImageDownloadFailure",
            "ImageFormatInvalid",
            "ImageSizeInvalid",
            "VideoFormatInvalid",
            "ImageCheckBodyJointsFailed",
            "ImageCheckFaceFailed",
            "ImageObjectsUndetected",
            "FaceDetectFailure",
            "NoFaceDetected",
            "MultiFaceDetected",
        ),
        Invalid,
    ),
    "TaskPromptPolicyViolation": Moderated,
    "AuditSubmitIllegal": Moderated,
    "CreationPolicyViolation": Moderated,
    "AuditFailed": Moderated,
    "PhotoAuditNotPass": Moderated,
    "Unauthorized": Unauthenticated,
    "Forbidden": Unauthenticated,
    "CreditInsufficient": QuotaExceeded,
    "QuotaExceeded": RateLimited,  # of jobs at once, not of money
    "OperationInProcess": RateLimited,
    "TooManyRequests": RateLimited,
    "SystemThrottling": RateLimited,
    "InternalServiceFailure": Unavailable,
    "ModelUnavailable": Unavailable,
    "TaskNotFound": NotFound,
    "CreationNotFound": NotFound,
    "NotFound": NotFound,
}
# A submit names no job, so what it does not find is nothing that we know of.
ERRORS_OF_A_SUBMIT = ERRORS | dict.fromkeys(("InternalServiceFailure", "TaskNotFound", "CreationNotFound", "NotFound"), OutcomeUnknown)

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        path, body = _order(job)
        said = await self._ask("POST", path, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        match said:
            case {"task_id": str(id)} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("Vidu's answer names no job.")

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._shown((job.handle or {})["id"]))

    async def poll_many(self, jobs: Sequence[Job]) -> Mapping[str, Polled]:
        asked = {(job.handle or {})["id"]: job.token for job in jobs}
        newest = await self._page(0)  # it takes no ids; what is still open is among the newest, most often
        return {asked[task["id"]]: _polled(task) for task in dialect.of_ids(newest, asked)}

    async def cancel(self, job: Job) -> bool:
        id = (job.handle or {})["id"]
        try:
            await self._ask("POST", f"/tasks/{quote(id, safe='')}/cancel", json={"id": id})
        except Invalid:  # scheduled already, or over
            return False
        return True

    async def check(self) -> Balance | None:
        match await self._ask("GET", "/credits"):
            case {"remains": [*remains]} if remains and all(_is_spent(one) for one in remains):
                raise QuotaExceeded("There are no credits left at Vidu.")
            case {"remains": [*remains]}:
                told = [left for one in remains if (left := _remain(one)) is not None]
                return Balance(sum(told), "credits") if told else None
        return None

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.hint and (shown := await self._hinted(job.hint["id"])) and shown.get("payload") == job.token:
            return Accepted(job.hint)
        read: list[Mapping[str, Any]] = []
        for page in range(MOST_PAGES):
            tasks = await self._page(page)
            for task in tasks:
                if task.get("payload") == job.token and isinstance(task.get("id"), str):
                    return Accepted({"id": task["id"]})
            read += tasks
            if len(tasks) < PAGE or _is_past(read, job.sent_at):
                return None
        raise OutcomeUnknown("Vidu's list is too long to be read to its end.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not ID.fullmatch(id):
            raise Invalid("A job of Vidu is known by a task_id, a long number.")
        return {"id": id}

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"id": str(id), "state": str()} if ID.fullmatch(id):
                return Heard(handle={"id": id})
        return Heard()

    async def _shown(self, id: str) -> Mapping[str, Any]:
        match await self._ask("GET", f"/tasks/{quote(id, safe='')}/creations"):
            case {"id": str(shown)} as task if shown == id:
                return task
        raise Unavailable("Vidu's answer describes another job, or none.")

    async def _hinted(self, id: str) -> Mapping[str, Any] | None:
        try:
            return await self._shown(id)
        except NotFound:
            return None

    async def _page(self, number: int) -> list[Mapping[str, Any]]:
        match await self._ask("GET", f"/tasks?pager.page={number}&pager.pagesz={PAGE}"):
            case {"tasks": [*tasks]} if all(isinstance(task, Mapping) for task in tasks):
                return tasks
        raise Unavailable("Vidu's answer is no list of jobs.")

    async def _ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """An answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Vidu needs an api_key.")
        headers, url = {"Authorization": f"Token {self._key}"}, f"{self._base}/ent/v2{path}"
        return _read(await self._http.request(method, url, headers=headers, json=json, timeout=timeout, paid=paid))


# How we write

FIELDS: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "duration": ("duration", int),
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "seed": ("seed", int),
    "generate_audio": ("audio", bool),
}
PICTURES = ("frame_images", "input_references")
WITH_AUDIO = "viduq3"


def _order(job: Job) -> tuple[str, dict[str, Any]]:
    """Where the job is ordered, and how."""
    fields = dialect.written(job, {name: value for name, value in job.input.items() if name not in PICTURES}, FIELDS)
    frames, references = dialect.frames(job), dialect.urls(job.input.get("input_references") or [])
    if frames and references:
        raise Invalid(f"{job.model} takes frames or references, not both.", field="input_references")
    if frames and "aspect_ratio" in fields:
        raise Invalid(f"{job.model} takes its aspect ratio from the first frame: leave it out.", field="aspect_ratio")
    if "audio" in fields and not job.model.startswith(WITH_AUDIO):
        raise Invalid(f"{job.model} makes no sound.", field="generate_audio")
    images = [frames[frame] for frame in ("first_frame", "last_frame") if frame in frames] or references
    marks = {"payload": job.token} | ({"callback_url": job.callback_url} if job.callback_url else {})
    return _path(len(frames), bool(references)), {"model": job.model, **fields, **({"images": images} if images else {}), **marks}


def _path(frames: int, has_references: bool) -> str:
    return "/reference2video" if has_references else ("/text2video", "/img2video", "/start-end2video")[frames]


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200:
        return said
    reason, message = (said.get("reason"), said.get("message")) if isinstance(said, Mapping) else (None, None)
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(reason) if isinstance(reason, str) else None
    raise dialect.refusal(kind, reply, vendor="Vidu", code=reason, message=message)


def _polled(task: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(task.get("state"), STATUS, of="vidu")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(_verdict(task.get("err_code")))
    creations = task.get("creations") or ()
    outputs = tuple(Found(url=one["url"]) for one in creations if isinstance(one, Mapping) and isinstance(one.get("url"), str))
    return Finished(outputs, cost=dialect.number(task.get("credits"))) if outputs else Failed(NoOutput())


def _verdict(reason: Any) -> UpstreamError:
    kind = ERRORS.get(reason) if isinstance(reason, str) else None
    return (kind if kind and issubclass(kind, Refused) else GenerationFailed)(f"Vidu's reason is {str(reason)[:40]}." if reason else "")


def _is_past(read: Sequence[Mapping[str, Any]], sent_at: datetime | None) -> bool:
    """Whether a list that comes newest first has got to jobs that are older than one that was sent then."""
    made = [_moment(task.get("created_at")) for task in read]
    moments = [moment for moment in made if moment]
    if sent_at is None or len(moments) < len(made):
        return False
    return all(newer >= older for newer, older in pairwise(moments)) and moments[-1] < sent_at - CLOCKS_APART


def _moment(told: Any) -> datetime | None:
    """When a job was made, which one page tells in milliseconds and another as RFC 3339."""
    try:
        if isinstance(told, str) and not told.isdecimal():
            moment = datetime.fromisoformat(told)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return datetime.fromtimestamp(int(told) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _is_spent(one: Any) -> bool:
    remain = _remain(one)
    return remain is not None and remain <= 0


def _remain(one: Any) -> float | None:
    return dialect.number(one.get("credit_remain")) if isinstance(one, Mapping) else None
