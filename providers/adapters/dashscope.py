"""dashscope: videos and pictures of Alibaba's Model Studio (Wan), as its pages described it in November 2026.

A job is ordered at a path for its kind of model, always by the asynchronous form, and asked about by its id: GET /tasks/{id}. Key, host and
model must be of one region. Pictures that can only be had while one waits (qwen-image, z-image) are not spoken to: a call without an id
cannot be asked about.

There is no token. A list shows jobs by model and time, with nothing of ours in it: whoever else uses the account, or the same model, may
have made the one that it shows. So nothing is taken from it, and a submit whose answer is lost is never settled by itself; an operator
who finds the job in the console links it by its id. Callbacks go by EventBridge only, for a whole account.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
    cancel="free_while_queued",
    first_poll=timedelta(seconds=15),
    pace=timedelta(seconds=15),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=24),
)
BASE_URL = "https://dashscope.aliyuncs.com"  # Beijing
API = "/api/v1"
TIMEOUT_S = 15.0

STATUS: dict[str, words.Meaning] = {
    "PENDING": Running,
    "RUNNING": Running,
    "SUSPENDED": Running,
    "SUCCEEDED": Finished,  # as soon as one part of it was made
    "FAILED": Failed,
    "CANCELED": Failed,
}
NOT_KNOWN = "UNKNOWN"  # no such job, or one that ended more than 24 hours ago
# A code that is not here is taken for its first word: `InvalidParameter.DataInspection` for `InvalidParameter`.
ERRORS: dict[str, type[UpstreamError]] = {
    "InvalidParameter": Invalid,
    "BadRequest": Invalid,
    "InvalidURL": Invalid,
    "InternalError.Algo": Invalid,  # media that the model cannot read
    "DataInspectionFailed": Moderated,
    "DataInspection": Moderated,
    "CustomRoleBlocked": Moderated,
    "FaqRuleBlocked": Moderated,
    "Arrearage": QuotaExceeded,
    "PrepaidBillOverdue": QuotaExceeded,  # these three come as HTTP 429
    "PostpaidBillOverdue": QuotaExceeded,
    "CommodityNotPurchased": QuotaExceeded,
    "AllocationQuota.FreeTierOnly": QuotaExceeded,
    "AccessDenied.Unpurchased": QuotaExceeded,
    "InvalidApiKey": Unauthenticated,
    "AccessDenied": Unauthenticated,
    "Model.AccessDenied": Unauthenticated,
    "Workspace.AccessDenied": Unauthenticated,
    "WorkSpaceNotFound": Unauthenticated,  # the key's and the host's workspaces differ
    "ModelNotFound": Retired,
    "Throttling": RateLimited,
    "LimitRequests": RateLimited,
    "RequestTimeOut": Unavailable,
    "InternalError": Unavailable,
    "SystemError": Unavailable,
    "ModelServiceFailed": Unavailable,
    "ModelUnavailable": Unavailable,
    "ServiceUnavailable": Unavailable,
    "UnsupportedOperation": Invalid,
}
UNKNOWN_OF_A_SUBMIT = ("RequestTimeOut", "InternalError", "SystemError", "ModelServiceFailed")
ERRORS_OF_A_SUBMIT = ERRORS | dict.fromkeys(UNKNOWN_OF_A_SUBMIT, OutcomeUnknown)
USED_UP = re.compile("free allocated quota", re.IGNORECASE)  # what tells money from haste in Throttling.AllocationQuota
TOO_LATE = "UnsupportedOperation"

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        base = upstream.base_url.rstrip("/").removesuffix(API) or BASE_URL  # a console shows hosts with the path and without
        self._base, self._http, self._key = base + API, upstream.http, upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        path, body = _order(job)
        said = await self._ask("POST", path, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        match said:
            case {"output": {"task_id": str(id)}} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("DashScope's answer names no job.")

    async def poll(self, job: Job) -> Polled:
        id = (job.handle or {})["id"]
        match await self._ask("GET", f"/tasks/{quote(id, safe='')}"):
            case {"output": {"task_status": str(status)}} if status == NOT_KNOWN:
                raise NotFound("DashScope does not know this job.")
            case {"output": {"task_id": str(shown)} as output, **rest} if shown == id:
                return _polled(output, rest.get("usage"))
        raise Unavailable("DashScope's answer describes another job, or none.")

    async def cancel(self, job: Job) -> bool:
        try:
            await self._ask("POST", f"/tasks/{quote((job.handle or {})['id'], safe='')}/cancel")
        except TooLate:
            return False
        return True

    async def check(self) -> None:
        await self._ask("GET", "/tasks/?page_no=1&page_size=1")  # queries are free

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("DashScope shows nothing by which a job could be known for ours.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not ID.fullmatch(id):
            raise Invalid("A job of DashScope is known by a task_id, as in 0385dc79-5ff8-4d82-bcb6-a1b2c3d4e5f6.")
        return {"id": id}

    async def _ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """An answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("DashScope needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}"} | ({"X-DashScope-Async": "enable"} if paid else {})
        return _read(await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid))


class TooLate(Refused):
    """The job is in work already, or over."""


# How we write


def _upper(value: str) -> str:
    return value.upper()


def _size(value: str) -> str:
    return value.replace("x", "*")


SEED: dialect.Fields = {"seed": ("seed", int)}
VIDEO: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "negative_prompt": ("negative_prompt", as_it_is),
    "resolution": ("resolution", _upper),
    "duration": ("duration", int),
    **SEED,
}
RATIO: dialect.Fields = {"aspect_ratio": ("ratio", as_it_is)}
PICTURES: dialect.Fields = {"prompt": ("prompt", as_it_is), "size": ("size", _size), "n": ("n", int), **SEED}
DRAWN: dialect.Fields = {"images": ("images", dialect.urls)}
OLDER_PICTURES: dialect.Fields = PICTURES | {"negative_prompt": ("negative_prompt", as_it_is)}
SPOKEN = ("prompt", "negative_prompt", "media")  # what stands in `input`; all else is a parameter


def _frames(job: Job) -> dict[str, Any]:
    frames = dialect.frames(job)
    if not frames:
        raise Invalid(f"{job.model} makes videos from a first frame.", field="frame_images")
    return {"media": [{"type": frame, "url": url} for frame, url in frames.items()]}


def _references(job: Job) -> dict[str, Any]:
    references = dialect.urls(job.input.get("input_references") or [])
    if not references:
        raise Invalid(f"{job.model} makes videos after pictures.", field="input_references")
    return {"media": [{"type": "reference_image", "url": url} for url in references]}


def _nothing(job: Job) -> dict[str, Any]:
    return {}


def _input(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in SPOKEN}


def _message(fields: Mapping[str, Any]) -> dict[str, Any]:
    pictures = [{"image": url} for url in fields.get("images", ())]
    return {"messages": [{"role": "user", "content": [{"text": fields.get("prompt", "")}, *pictures]}]}


@dataclass(frozen=True, slots=True)
class Family:
    """Models that are ordered alike: where, in which fields, what of it is `media`, and how `input` is laid out."""

    path: str
    fields: dialect.Fields
    media: Callable[[Job], dict[str, Any]] = _nothing
    media_field: str = ""
    lay: Callable[[Mapping[str, Any]], dict[str, Any]] = _input


VIDEOS_AT = "/services/aigc/video-generation/video-synthesis"
PICTURES_AT = "/services/aigc/image-generation/generation"
OLDER_PICTURES_AT = "/services/aigc/text2image/image-synthesis"
FAMILIES: tuple[tuple[str, Family], ...] = (
    ("wan2.7-t2v", Family(VIDEOS_AT, VIDEO | RATIO)),
    ("wan2.7-i2v", Family(VIDEOS_AT, VIDEO, _frames, "frame_images")),
    ("wan2.7-r2v", Family(VIDEOS_AT, VIDEO | RATIO, _references, "input_references")),
    ("wan2.7-image", Family(PICTURES_AT, PICTURES | DRAWN, lay=_message)),
    ("wan2.5-t2i", Family(OLDER_PICTURES_AT, OLDER_PICTURES)),
    ("wan2.2-t2i", Family(OLDER_PICTURES_AT, OLDER_PICTURES)),
)


def _order(job: Job) -> tuple[str, dict[str, Any]]:
    """Where the job is ordered, and how."""
    family = next((family for prefix, family in FAMILIES if job.model.startswith(prefix)), None)
    if family is None:
        raise Retired(f"Darkroom does not speak to {job.model}, only to {', '.join(f'{prefix}…' for prefix, _ in FAMILIES)}.")
    given = {name: value for name, value in job.input.items() if name != family.media_field}
    fields = dialect.written(job, given, family.fields)
    media = family.media(job)
    parameters = {name: value for name, value in fields.items() if name not in (*SPOKEN, "images")}
    return family.path, {"model": job.model, "input": family.lay(fields | media), "parameters": parameters}


# How we read


def _read(reply: Reply) -> Mapping[str, Any]:
    said = reply.json()
    said = said if isinstance(said, Mapping) else {}
    code, message = said.get("code"), said.get("message")
    if reply.status == 200 and not code:
        return said
    if code == TOO_LATE and not reply.paid:
        raise TooLate()
    kind = _kind(code, message, ERRORS_OF_A_SUBMIT if reply.paid else ERRORS)
    if reply.status >= 500 and kind and issubclass(kind, Refused):
        kind = None  # not from who judges requests
    raise dialect.refusal(kind, reply, vendor="DashScope", code=code, message=message)


def _kind(code: Any, message: Any, errors: Mapping[str, type[UpstreamError]]) -> type[UpstreamError] | None:
    if not isinstance(code, str):
        return None
    if code == "Throttling.AllocationQuota" and USED_UP.search(str(message)):
        return QuotaExceeded
    return errors.get(code) or errors.get(code.partition(".")[0])


def _polled(output: Mapping[str, Any], usage: Any) -> Polled:
    outcome = words.meaning(output.get("task_status"), STATUS, of="dashscope")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(_verdict(output))
    parts = _parts(output)
    outputs = tuple(Found(url=part["url"]) for part in parts if isinstance(part.get("url"), str))
    if outputs:
        return Finished(outputs, usage=dialect.amounts(usage))
    return Failed(_verdict(parts[0]) if parts else NoOutput())


def _verdict(said: Mapping[str, Any]) -> UpstreamError:
    """Why a job, or a part of it, came to nothing: the request, or the maker."""
    code, message = said.get("code"), str(said.get("message") or "")[:300]
    kind = _kind(code, message, ERRORS)
    return kind(message) if kind and issubclass(kind, Refused) else GenerationFailed(message)


def _parts(output: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Each result, as {url} or {code, message}: a video, a list, or the pictures in messages."""
    match output:
        case {"video_url": str(url)} if url:
            return [{"url": url}]
        case {"results": list(results)}:
            return [part for part in results if isinstance(part, Mapping)]
        case {"choices": list(choices)}:
            return [{"url": picture} for choice in choices for picture in _pictures(choice)]
    return []


def _pictures(choice: Any) -> list[str]:
    match choice:
        case {"message": {"content": list(content)}}:
            return [part["image"] for part in content if isinstance(part, Mapping) and isinstance(part.get("image"), str)]
    return []
