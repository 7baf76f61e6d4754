"""bfl: FLUX pictures of Black Forest Labs, as its pages described them in November 2026.

A job lives on one of several clusters, and the others say 'Task not found' of it. So an order's answer names the address at which to ask,
which is kept and asked at, if it is one of theirs: it is sent our key. What the order costs is told then, too.

There is neither a token nor a list. A call could name the job of a lost submit, but is not asked for: the answer to an order that names an
address for calls need not tell the one to ask at, by the vendor's own schema, and then a job that was bought could be found nowhere. So a
lost submit is never settled by itself, and its job, if there is one, is linked by an operator.

Moderation is a status, of the input or of the picture. A picture's URL lives for ten minutes.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
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
from ..outcomes import Accepted, Balance, Facts, Failed, Finished, Found, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate"}),
    first_poll=timedelta(seconds=2),
    pace=timedelta(seconds=3),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(minutes=10),
)
BASE_URL = "https://api.bfl.ai"
TIMEOUT_S = 15.0

GONE = "Task not found"
STATUS: dict[str, words.Meaning] = {
    "Pending": Running,
    "Queued": Running,
    "Processing": Running,
    "Ready": Finished,
    "Request Moderated": Failed,
    "Content Moderated": Failed,
    "Error": Failed,
    "Failed": Failed,
}
MODERATION = ("Request Moderated", "Content Moderated")
ERRORS: dict[int, type[UpstreamError]] = {
    400: Invalid,
    401: Unauthenticated,
    402: QuotaExceeded,
    403: Unauthenticated,  # what a wrong key gets
    404: NotFound,
    422: Invalid,
    429: RateLimited,  # of jobs that are not over
    503: Unavailable,
}
ERRORS_OF_A_SUBMIT = ERRORS | {404: Retired}  # a submit names no job, so it is the model that is not there

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
# Without a user, a port, or a letter that one reader of addresses takes for the end of the host and another does not.
THEIRS = re.compile(r"https://(?:[a-z0-9-]+\.)*bfl\.ai/[A-Za-z0-9/._~?=&%-]*")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        url, body = f"{self._base}/v1/{quote(job.model)}", _written(job)
        match await self._ask("POST", url, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True):
            case {"id": str(id)} as said if id:
                return Accepted(self._handle(id, said))
        raise OutcomeUnknown("Black Forest Labs' answer names no job.")

    async def poll(self, job: Job) -> Polled:
        handle = job.handle or {}
        match await self._ask("GET", self._trusted(handle["polling_url"])):
            case {"id": str(shown)} as said if shown == handle["id"]:
                return _polled(said, cost=handle.get("cost"), now=datetime.now(UTC))
        raise Unavailable("Black Forest Labs' answer describes another job, or none.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> Balance | None:
        with suppress(NotFound):  # documented for the global host; what another's address does not know is no reason to stop
            match await self._ask("GET", f"{self._base}/v1/credits"):
                case {"credits": int() | float() as left}:
                    return dialect.balance(left, "credits", vendor="Black Forest Labs")
        return None

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Black Forest Labs has no list in which a job could be looked for.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        """As the cluster behind the base URL knows it; a job of another's is linked by its handle."""
        if not ID.fullmatch(id):
            raise Invalid("A job of Black Forest Labs is known by a UUID, as in 4b8c0000-5b0c-4000-8000-a1b2c3d4e5f6.")
        return self._handle(id, {})

    def _handle(self, id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        told, cost = said.get("polling_url"), dialect.number(said.get("cost"))
        url = told if isinstance(told, str) and self._is_theirs(told) else self._at(id)
        return {"id": id, "polling_url": url} | ({} if cost is None else {"cost": cost})

    def _at(self, id: str) -> str:
        return f"{self._base}/v1/get_result?id={quote(id, safe='')}"

    def _is_theirs(self, url: str) -> bool:
        return url.startswith(f"{self._base}/") or THEIRS.fullmatch(url) is not None

    def _trusted(self, url: str) -> str:
        """The address, if it is the upstream's: it is sent our key."""
        if not self._is_theirs(url):
            raise Unavailable("The provider's base URL has changed since this job was ordered.")
        return url

    async def _ask(self, method: str, url: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """An answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Black Forest Labs needs an api_key.")
        headers = {"x-key": self._key}
        return _read(await self._http.request(method, url, headers=headers, json=json, timeout=timeout, paid=paid))


# How we write


@dataclass(frozen=True, slots=True)
class Family:
    """What a model takes: these fields, so many pictures, and a size where it does not go by an aspect ratio."""

    fields: dialect.Fields
    pictures: int = 0
    is_sized: bool = True


COMMON: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "seed": ("seed", int),
    "output_format": ("output_format", as_it_is),
}
BY_RATIO: dialect.Fields = COMMON | {"aspect_ratio": ("aspect_ratio", as_it_is)}
FAMILIES: dict[str, Family] = {
    "flux-2-max": Family(COMMON, pictures=8),
    "flux-2-pro": Family(COMMON, pictures=8),
    "flux-2-flex": Family(COMMON, pictures=8),
    "flux-2-klein-9b": Family(COMMON, pictures=4),
    "flux-2-klein-4b": Family(COMMON, pictures=4),
    "flux-kontext-max": Family(BY_RATIO, pictures=1, is_sized=False),
    "flux-kontext-pro": Family(BY_RATIO, pictures=1, is_sized=False),
    "flux-pro-1.1-ultra": Family(BY_RATIO, is_sized=False),
    "flux-pro-1.1": Family(COMMON),
}


def _written(job: Job) -> dict[str, Any]:
    if job.model not in FAMILIES:
        raise Retired(f"Darkroom does not speak to {job.model}, only to {', '.join(FAMILIES)}.")
    family, pictures = FAMILIES[job.model], dialect.urls(job.input.get("images") or [])
    if len(pictures) > family.pictures:
        raise Invalid(f"{job.model} takes {family.pictures or 'no'} images{' at most' if family.pictures else ''}.", field="images")
    apart = ("images", "size") if family.is_sized else ("images",)
    return dialect.written(job, dialect.without(job.input, *apart), family.fields) | _sides(job, family) | _numbered(pictures)


def _sides(job: Job, family: Family) -> dict[str, int]:
    if not (family.is_sized and "size" in job.input):
        return {}
    width, _, height = job.input["size"].partition("x")
    return {"width": int(width), "height": int(height)}


def _numbered(pictures: list[str]) -> dict[str, str]:
    return {"input_image" if number == 1 else f"input_image_{number}": url for number, url in enumerate(pictures, 1)}


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200:
        if isinstance(said, Mapping) and said.get("status") == GONE and not reply.paid:
            raise NotFound("Black Forest Labs does not know this job, or not yet.")
        return said
    detail = _detail(said)
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(reply.status)
    if kind is Unavailable and detail is None:
        kind = None  # 503 may be a proxy's as well
    raise dialect.refusal(kind, reply, vendor="Black Forest Labs", code=reply.status, message=_text(detail))


def _detail(said: Any) -> Any:
    """What an error says; one page shows it as `detail`, another as `message` beside `error`."""
    match said:
        case {"detail": detail} | {"error": str(), "message": detail}:
            return detail
    return None


def _text(detail: Any) -> str:
    return detail if isinstance(detail, str) else dialect.complaints(detail)


def _polled(said: Mapping[str, Any], *, cost: Any, now: datetime) -> Polled:
    outcome = words.meaning(said.get("status"), STATUS, of="bfl")
    if outcome is Running:
        progress = dialect.number(said.get("progress"))
        return Running(progress if progress is None else min(max(progress, 0.0), 1.0))
    if outcome is Failed:
        kind = Moderated if said["status"] in MODERATION else GenerationFailed
        return Failed(kind(_text(said.get("details"))[:300]))
    match said.get("result"):
        case {"sample": str(url)} if url:
            return Finished((Found(url=url, lives_until=now + FACTS.results_live),), cost=dialect.number(cost))
    return Failed(NoOutput())
