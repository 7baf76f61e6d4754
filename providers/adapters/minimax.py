"""minimax: Hailuo videos by version 1 of MiniMax's API, as its pages described it in November 2026. H3 speaks version 2 (minimax_v2.py).

Nearly all is HTTP 200; `base_resp.status_code` says what went wrong. The way to a result takes two calls: a job that is done names a file,
and the file an address, which lives for an hour by one page and for nine by another.

There is neither a token nor a list. A lost submit is settled by a call to the address that came with it, which names the job. Nothing in
a job shows whose it is, so the call is believed for its address: that holds a secret of this one attempt, which MiniMax alone was told.
Before it takes a job, MiniMax knocks at the address and wants its challenge back within three seconds.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
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
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Reply
from ..outcomes import Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"video.generate"}),
    recovery=frozenset({"callback"}),
    first_poll=timedelta(seconds=30),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=1),
)
BASE_URL = "https://api.minimax.io"  # in China https://api.minimaxi.com, as the provider's base URL
TIMEOUT_S = 15.0

STATUS: dict[str, words.Meaning] = {
    "Preparing": Running,
    "Queueing": Running,
    "Processing": Running,
    "Success": Finished,
    "Fail": Failed,
}
ERRORS: dict[int, type[UpstreamError]] = {
    1000: Unavailable,
    1001: Unavailable,
    1002: RateLimited,  # requests a minute
    1004: Unauthenticated,
    1008: QuotaExceeded,
    1013: Unavailable,
    1024: Unavailable,
    1026: Moderated,  # what was asked for
    1027: Moderated,  # what was made
    1033: Unavailable,
    1039: RateLimited,
    1041: RateLimited,
    1042: Invalid,
    2013: Invalid,
    2045: RateLimited,  # growing too fast
    2049: Unauthenticated,
    2056: QuotaExceeded,
}
ERRORS_OF_A_SUBMIT = ERRORS | dict.fromkeys((1000, 1001, 1013, 1024, 1033), OutcomeUnknown)
ERRORS_OF_A_QUERY = ERRORS | {2013: NotFound}  # a query has one parameter, which is the job

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
FRAMES = {"first_frame": "first_frame_image", "last_frame": "last_frame_image"}
NOBODYS_JOB = "0"


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._minimax = MiniMax(upstream)

    async def submit(self, job: Job) -> Accepted | Finished:
        timeout_s = FACTS.submit_timeout.total_seconds()
        reply = await self._minimax.call("POST", "/v1/video_generation", json=_written(job), timeout=timeout_s, paid=True)
        match read(reply, ERRORS_OF_A_SUBMIT):
            case {"task_id": str(id)} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("MiniMax's answer names no job.")

    async def poll(self, job: Job) -> Polled:
        shown = await self._shown((job.handle or {})["id"])
        outcome = words.meaning(shown.get("status"), STATUS, of="minimax")
        if outcome is Failed:
            return Failed(_verdict(shown))
        if outcome is Running:
            return Running()
        file_id = shown.get("file_id")
        return Finished((Found(url=await self._address(str(file_id))),)) if file_id else Failed(NoOutput())

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        await self._minimax.check()

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.hint is None:
            raise OutcomeUnknown("MiniMax has not called about this job yet.")
        if job.hint in job.held:
            raise OutcomeUnknown("MiniMax called about the job of another attempt.")
        await self._shown(job.hint["id"])
        return Accepted(job.hint)

    def handle_of(self, id: str) -> Mapping[str, Any]:
        return handle_of(id)

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"task_id": str(id)} if ID.fullmatch(id):
                return Heard(handle={"id": id})
            case said:
                return knock(said)

    async def _shown(self, id: str) -> Mapping[str, Any]:
        """The job of this id, well or not: one that failed says why where other answers say that they are errors."""
        reply = await self._minimax.call("GET", f"/v1/query/video_generation?task_id={quote(id, safe='')}")
        match reply.json():
            case {"task_id": str(shown), "status": "Fail"} as failed if shown == id and reply.status == 200:
                return failed
        match read(reply, ERRORS_OF_A_QUERY):
            case {"task_id": str(shown)} as found if shown == id:
                return found
        raise Unavailable("MiniMax's answer describes another job, or none.")

    async def _address(self, file_id: str) -> str:
        """Where the file may be fetched; asked again, it is a fresh one."""
        match read(await self._minimax.call("GET", f"/v1/files/retrieve?file_id={quote(file_id, safe='')}"), ERRORS):
            case {"file": {"download_url": str(url)}} if url:
                return url
        raise Unavailable("MiniMax's answer names no address of the file.")


class MiniMax:
    """Calls of version 1, for videos and for pictures (minimax_images.py)."""

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def call(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Reply:
        if not self._key:
            raise Unauthenticated("MiniMax needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}"}
        return await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid)

    async def check(self) -> None:
        """Asks about a job that nobody has: there is no cheaper question, and a wrong key is told before."""
        with suppress(NotFound):
            read(await self.call("GET", f"/v1/query/video_generation?task_id={NOBODYS_JOB}"), ERRORS_OF_A_QUERY)


def handle_of(id: str) -> Mapping[str, Any]:
    if not ID.fullmatch(id):
        raise Invalid("A job of MiniMax is known by a task_id, a long number.")
    return {"id": id}


def knock(said: Any) -> Heard:
    """What MiniMax wants to hear before it takes a job: its own challenge."""
    match said:
        case {"challenge": str(challenge)}:
            return Heard(answer={"challenge": challenge})
    return Heard()


# How we write


def _upper(value: str) -> str:
    return value.upper()


FIELDS: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "duration": ("duration", int),
    "resolution": ("resolution", _upper),
}


def _written(job: Job) -> dict[str, Any]:
    fields = dialect.written(job, {name: value for name, value in job.input.items() if name != "frame_images"}, FIELDS)
    if fields.get("resolution") == "1080P" and fields.get("duration") == 10:
        raise Invalid(f"{job.model} makes 1080p for 6 seconds only: lower duration or resolution.", field="duration")
    frames = dialect.frames(job)
    if job.model.endswith("-Fast") and not frames:
        raise Invalid(f"{job.model} makes videos from a first frame.", field="frame_images")
    if "last_frame" in frames and job.model != "MiniMax-Hailuo-02":
        raise Invalid(f"{job.model} takes no last frame; MiniMax-Hailuo-02 does.", field="frame_images")
    address = {"callback_url": job.callback_url} if job.callback_url else {}
    return {"model": job.model, **fields, **{FRAMES[frame]: url for frame, url in frames.items()}, **address}


# How we read


def read(reply: Reply, errors: Mapping[int, type[UpstreamError]]) -> Mapping[str, Any]:
    said = reply.json()
    code, message = _code(said)
    if code == 0 and reply.status == 200:
        return said
    kind = errors.get(code) if isinstance(code, int) else None
    raise dialect.refusal(kind, reply, vendor="MiniMax", code=code, message=message)


def _code(said: Any) -> tuple[Any, Any]:
    match said:
        case {"base_resp": {"status_code": code, **rest}}:
            return code, rest.get("status_msg")
    return None, None


def _verdict(shown: Mapping[str, Any]) -> UpstreamError:
    code, message = _code(shown)
    text = str(message or "")[:300] if code else ""
    return (Moderated if ERRORS.get(code) is Moderated else GenerationFailed)(text)
