"""volcengine: Seedance videos of Volcengine Ark, as its pages described it in November 2026. (Its pictures: volcengine_images.py.)

POST /contents/generations/tasks → {id}; GET the same /{id}, or a list of the last 7 days, newest first; DELETE the same /{id}, which stops
a queued task and *deletes the record* of one that has ended. Outside China it is BytePlus ModelArk, at its own base URL.

Ark knows no token. But `safety_identifier` is free text and shown by every list, so our token goes there, though it is meant for a hash of
the end user: a lost submit is then looked up in the newest pages. A task found there is ours beyond doubt. Callbacks are not signed, and
are believed in no case.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

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
from ..outcomes import CLOCKS_APART, Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"video.generate"}),
    recovery=frozenset({"looks_up", "callback"}),
    cancel="free_while_queued",
    first_poll=timedelta(seconds=20),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    shows_within=timedelta(minutes=3),  # how soon a list shows a task is told nowhere
    results_live=timedelta(hours=24),
    batch=100,  # a page has room for 500, but their ids in one address are 20 kB, which no door promises to take
)
BASE_URL = "https://ark.cn-beijing.volces.com/api/v3"
TASKS = "/contents/generations/tasks"
TIMEOUT_S = 15.0
PAGE, MOST_PAGES = 500, 20

STATUS: dict[str, words.Meaning] = {
    "queued": Running,
    "running": Running,
    "succeeded": Finished,
    "failed": Failed,
    "cancelled": Failed,
    "expired": Failed,  # not begun in time, and not billed
}
# A code stands for itself and for all that it is the beginning of.
ERRORS: dict[str, type[UpstreamError]] = {
    "MissingParameter": Invalid,
    "InvalidParameter": Invalid,
    "InvalidEndpoint.ClosedEndpoint": Retired,
    "InvalidEndpointOrModel": Retired,
    "ModelNotOpen": Retired,
    "AuthenticationError": Unauthenticated,
    "AccessDenied": Unauthenticated,
    "OperationDenied.ServiceNotOpen": QuotaExceeded,
    "OperationDenied.ServiceOverdue": QuotaExceeded,
    "AccountOverdueError": QuotaExceeded,
    "QuotaExceeded": QuotaExceeded,  # or the queue of waiting tasks is full: only the text tells, and both pass
    "SetLimitExceeded": QuotaExceeded,  # the customer's own bound on spending
    "RateLimitExceeded": RateLimited,
    "ModelAccountRpmRateLimitExceeded": RateLimited,
    "ModelAccountTpmRateLimitExceeded": RateLimited,
    "ModelAccountIpmRateLimitExceeded": RateLimited,
    "APIAccountRpmRateLimitExceeded": RateLimited,
    "AccountRateLimitExceeded": RateLimited,
    "RequestBurstTooFast": RateLimited,
    "ServerOverloaded": RateLimited,
    "InflightBatchsizeExceeded": RateLimited,
    "ModelLoadingError": Unavailable,
}
# The list of these grows, by what was looked at and for what.
MODERATION = re.compile("SensitiveContentDetected|RiskDetection")
TASK_ID = re.compile(r"cgt-[\w-]+", re.ASCII)

ROLES = ("first_frame", "last_frame")  # as we call them, too


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._ark = Ark(upstream)

    async def submit(self, job: Job) -> Accepted | Finished:
        said = await self._ark.ask("POST", TASKS, json=_written(job), timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        return Accepted(_handle(said))

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._shown(job))

    async def poll_many(self, jobs: Sequence[Job]) -> Mapping[str, Polled]:
        asked = {(job.handle or {})["id"]: job.token for job in jobs}
        ids = "&".join(f"filter.task_ids={quote(id, safe='')}" for id in asked)
        listed, _ = _listed(await self._ark.ask("GET", f"{TASKS}?page_num=1&page_size={len(asked)}&{ids}"))
        return {asked[shown["id"]]: _polled(shown) for shown in dialect.of_ids(listed, asked)}

    async def cancel(self, job: Job) -> bool:
        # Of a task that has ended it would delete the record, and with it the way to the result.
        if (await self._shown(job)).get("status") != "queued":
            return False
        try:
            await self._ark.ask("DELETE", _path(job))
        except Refused:
            return False  # begun in between
        return True

    async def check(self) -> None:
        await self._ark.check()

    async def find(self, job: Job) -> Accepted | Finished | None:
        since = (job.sent_at - CLOCKS_APART).timestamp() if job.sent_at else 0.0
        totals = set()
        for number in range(1, MOST_PAGES + 1):
            listed, total = _listed(await self._ark.ask("GET", f"{TASKS}?page_num={number}&page_size={PAGE}"))
            totals.add(total)
            for shown in listed:
                if shown.get("safety_identifier") == job.token:
                    return Accepted(_handle(shown))
            if len(listed) < PAGE or min(_made_at(shown) for shown in listed) < since:
                break
        else:
            raise OutcomeUnknown("Ark's list of tasks is too long to be read.")
        # What is deleted between two pages moves others from the second to the first, where they are not seen.
        if len(totals) > 1:
            raise OutcomeUnknown("Ark's list changed while it was read.")
        return None

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"id": str(id), "status": str()}:
                return Heard(handle={"id": id})
        return Heard()

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not TASK_ID.fullmatch(id):
            raise Invalid("A task of Ark is known by an id such as cgt-20260514183217-t8rzv.")
        return {"id": id}

    async def _shown(self, job: Job) -> Mapping[str, Any]:
        said = await self._ark.ask("GET", _path(job))
        if not isinstance(said, Mapping) or said.get("id") != (job.handle or {})["id"]:
            raise Unavailable("Ark's answer describes another task.")
        return said


class Ark:
    """An account at Ark, for its videos and for its pictures."""

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key", "")

    async def ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """The answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Ark needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}"}
        return _read(await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid))

    async def check(self) -> None:
        await self.ask("GET", f"{TASKS}?page_num=1&page_size=1")  # costs nothing


# How we write


def _path(job: Job) -> str:
    return f"{TASKS}/{quote((job.handle or {})['id'], safe='')}"


def _written(job: Job) -> dict[str, Any]:
    fields = dialect.written(job, dialect.without(job.input, "prompt", "frame_images"), FIELDS)
    marks = {"safety_identifier": job.token} | ({"callback_url": job.callback_url} if job.callback_url else {})
    return {"model": job.model, "content": _content(job), **fields, **marks}


def _content(job: Job) -> list[dict[str, Any]]:
    frames = dialect.frames(job, takes=ROLES)
    prompt = [{"type": "text", "text": job.input["prompt"]}] if job.input.get("prompt") else []
    return [*prompt, *({"type": "image_url", "image_url": {"url": url}, "role": role} for role, url in frames.items())]


FIELDS: Fields = {
    "duration": ("duration", int),
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("ratio", as_it_is),
    "generate_audio": ("generate_audio", as_it_is),
    "seed": ("seed", int),
}


# How we read


def kind_of(code: str) -> type[UpstreamError] | None:
    """By what it says was found, by the whole code, or by what stands before its dot."""
    if MODERATION.search(code):
        return Moderated
    return ERRORS.get(code) or ERRORS.get(code.partition(".")[0])


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200:
        return said
    match said:
        case {"error": {"code": str(code), **more}}:
            kind = NotFound if reply.status == 404 and not reply.paid else kind_of(code)
            raise dialect.refusal(kind, reply, vendor="Ark", code=code, message=more.get("message"))
    raise dialect.in_doubt(reply.paid)(f"Ark answered with status {reply.status}, and its answer cannot be read.")


def _handle(shown: Any) -> dict[str, str]:
    id = shown.get("id") if isinstance(shown, Mapping) else None
    if not (isinstance(id, str) and id):
        raise OutcomeUnknown("Ark's answer names no task.")
    return {"id": id}


def _listed(said: Any) -> tuple[list[Mapping[str, Any]], Any]:
    """A page of tasks, and how many there are on all of them."""
    items = said.get("items") if isinstance(said, Mapping) else None
    if not isinstance(items, list):
        raise Unavailable("Ark's answer is no list of tasks.")
    return [shown for shown in items if isinstance(shown, Mapping)], said.get("total")


def _made_at(shown: Mapping[str, Any]) -> float:
    return dialect.number(shown.get("created_at")) or 0.0


def _polled(shown: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(shown.get("status"), STATUS, of="volcengine")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(_ending(shown))
    content = shown.get("content")
    url = content.get("video_url") if isinstance(content, Mapping) else None
    if not (isinstance(url, str) and url):
        return Failed(NoOutput())
    return Finished((Found(url=url),), usage=usage(shown.get("usage")))


def _ending(shown: Mapping[str, Any]) -> UpstreamError:
    match shown.get("error"):
        case {"code": str(code), **more}:
            return ending(code, more.get("message"))
    return GenerationFailed(f"Ark says that the task is {str(shown.get('status'))[:20]}.")


def ending(code: str, message: Any) -> UpstreamError:
    """Why a picture or a video that was ordered was not made: the request's fault, or else the model's."""
    kind = kind_of(code)
    return (kind if kind and issubclass(kind, Refused) else GenerationFailed)(str(message or "")[:300])


def usage(told: Any) -> dict[str, float]:
    """The numbers among what Ark says that a job used."""
    return {name: float(value) for name, value in told.items() if type(value) in (int, float)} if isinstance(told, Mapping) else {}
