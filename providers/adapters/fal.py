"""fal: the queue of fal.ai, as its pages described it in November 2026. Hundreds of models stand behind it; we speak to those in FAMILIES.

An order answers with three addresses, for its state, its result and its end, which are kept and asked at: they leave out a part of the
model's name. 'COMPLETED' is said of jobs that went well and of those that did not: the result's address tells, or an `error_type`.

There is no token. Lists of requests are another API's, and whether they show one that waits is told nowhere. A lost submit is settled by
the call that comes when its job ends, and names it: believed for its address, which holds a secret of this one attempt, where the job is
one of our model's. Calls are signed, but what is told in them is asked for again anyway.

How long files live is for the order to say: a day, here.
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
    recovery=frozenset({"callback"}),
    cancel="free_while_queued",  # a job that runs gets a signal, and may be made and charged all the same
    first_poll=timedelta(seconds=3),
    pace=timedelta(seconds=5),
    submit_timeout=timedelta(seconds=60),
    calls_within=timedelta(hours=2),  # it calls when a job ends, which is behind its queue
    results_live=timedelta(hours=24),
)
BASE_URL = "https://queue.fal.run"
TIMEOUT_S = 15.0
LIFE = '{"expiration_duration_seconds":86400}'  # of files, as results_live says

QUEUED = "IN_QUEUE"
STATUS: dict[str, words.Meaning] = {QUEUED: Running, "IN_PROGRESS": Running, "COMPLETED": Finished}
ERRORS: dict[int, type[UpstreamError]] = {
    400: Invalid,
    401: Unauthenticated,
    403: Unauthenticated,  # or no money, which only the text tells
    404: NotFound,
    429: RateLimited,
    503: Unavailable,
}
ERRORS_OF_A_SUBMIT = ERRORS | {404: Retired}  # a submit names no job, so it is the model that is not there
NO_MONEY = re.compile("exhausted balance|top_?up", re.IGNORECASE)
# What a model says of an input. All other types of its errors are of the input too, where they come with 422.
MODERATION = frozenset({"content_policy_violation", "no_media_generated"})
FAULTS = frozenset({"generation_timeout", "downstream_service_error", "downstream_service_unavailable", "internal_server_error"})

ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
NAMESPACES = ("workflows", "comfy")
NOBODYS_JOB = "/fal-ai/flux/requests/00000000-0000-0000-0000-000000000000/status"


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        path, body = _order(job)
        reply = await self._call("POST", self._base + path, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        match _read(reply):
            case {"request_id": str(id)} as said if id:
                return Accepted(self._handle(said, id, job))
        raise OutcomeUnknown("fal's answer names no job.")

    async def poll(self, job: Job) -> Polled:
        handle = job.handle or {}
        shown = await self._shown(handle["status_url"], handle["id"])
        if words.meaning(shown.get("status"), STATUS, of="fal") is Running:
            return Running()
        if shown.get("error") or shown.get("error_type"):
            return Failed(_fault(shown))
        reply = await self._call("GET", self._trusted(handle["response_url"]))
        return _polled(reply)

    async def cancel(self, job: Job) -> bool:
        handle = job.handle or {}
        if (await self._shown(handle["status_url"], handle["id"])).get("status") != QUEUED:
            return False
        try:
            _read(await self._call("PUT", self._trusted(handle["cancel_url"])))
        except (Invalid, NotFound):  # it has ended
            return False
        return True

    async def check(self) -> None:
        """Asks about a job that nobody has: there is no cheaper question, and a wrong key is told before."""
        with suppress(NotFound):
            _read(await self._call("GET", self._base + NOBODYS_JOB))

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.hint is None:
            raise OutcomeUnknown("fal has not called about this job yet.")
        id = job.hint["id"]
        if any(handle.get("id") == id for handle in job.held):
            raise OutcomeUnknown("fal called about the job of another attempt.")
        shown = await self._shown(f"{self._base}{_app(job.model)}/requests/{quote(id, safe='')}/status", id)
        return Accepted(self._handle(shown, id, job))

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"request_id": str(id)} if ID.fullmatch(id):
                return Heard(handle={"id": id})
        return Heard()

    async def _shown(self, url: str, id: str) -> Mapping[str, Any]:
        match _read(await self._call("GET", self._trusted(url))):
            case {"request_id": str(shown)} as said if shown == id:
                return said
        raise Unavailable("fal's answer describes another job, or none.")

    def _handle(self, said: Mapping[str, Any], id: str, job: Job) -> dict[str, str]:
        """The job's addresses as fal told them; where it told others' than its own, as its pages say that they are made."""
        at = f"{self._base}{_app(job.model)}/requests/{quote(id, safe='')}"
        made = {"status_url": f"{at}/status", "response_url": at, "cancel_url": f"{at}/cancel"}
        told = {name: said[name] for name in made if self._is_ours(said.get(name))}
        return {"id": id} | made | told

    def _is_ours(self, url: Any) -> bool:
        return isinstance(url, str) and url.startswith(f"{self._base}/")

    def _trusted(self, url: str) -> str:
        """The address, if it is the upstream's: it is sent our key."""
        if not self._is_ours(url):
            raise Unavailable("The provider's base URL has changed since this job was ordered.")
        return url

    async def _call(self, method: str, url: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Reply:
        if not self._key:
            raise Unauthenticated("fal needs an api_key.")
        headers = {"Authorization": f"Key {self._key}"} | ({"X-Fal-Object-Lifecycle-Preference": LIFE} if paid else {})
        return await self._http.request(method, url, headers=headers, json=json, timeout=timeout, paid=paid)


# How we write


def _sides(size: str) -> dict[str, int]:
    width, _, height = size.partition("x")
    return {"width": int(width), "height": int(height)}


def _app(model: str) -> str:
    """The part of a model's name that its jobs are found below."""
    parts = model.split("/")
    return "/" + quote("/".join(parts[: 3 if parts[0] in NAMESPACES else 2]))


FLUX: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "n": ("num_images", int),
    "size": ("image_size", _sides),
    "seed": ("seed", int),
    "output_format": ("output_format", as_it_is),
}
WAN: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "negative_prompt": ("negative_prompt", as_it_is),
    "duration": ("duration", int),
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "seed": ("seed", int),
}
WAN_OF_FRAMES: dialect.Fields = {name: WAN[name] for name in WAN if name != "aspect_ratio"}
FAMILIES: dict[str, dialect.Fields] = {
    "fal-ai/flux/schnell": FLUX,
    "fal-ai/flux/dev": FLUX,
    "fal-ai/wan/v2.7/text-to-video": WAN,
    "fal-ai/wan/v2.7/image-to-video": WAN_OF_FRAMES,
}
FRAMES = {"first_frame": "image_url", "last_frame": "end_image_url"}
OF_FRAMES = "/image-to-video"


def _order(job: Job) -> tuple[str, dict[str, Any]]:
    """Where the job is ordered, and how."""
    if job.model not in FAMILIES:
        raise Retired(f"Darkroom does not speak to {job.model}, only to {', '.join(FAMILIES)}.")
    of_frames = job.model.endswith(OF_FRAMES)
    given = {name: value for name, value in job.input.items() if not (of_frames and name == "frame_images")}
    fields = dialect.written(job, given, FAMILIES[job.model])
    frames = dialect.frames(job) if of_frames else {}
    if of_frames and not frames:
        raise Invalid(f"{job.model} makes videos from a first frame.", field="frame_images")
    webhook = f"?fal_webhook={quote(job.callback_url, safe='')}" if job.callback_url else ""
    return f"/{quote(job.model)}{webhook}", fields | {FRAMES[frame]: url for frame, url in frames.items()}


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status in (200, 202):
        return said
    raise _error(reply, said)


def _error(reply: Reply, said: Any) -> UpstreamError:
    said = said if isinstance(said, Mapping) else {}
    detail = said.get("detail")
    if reply.status == 422:
        return _input_fault(detail)
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(reply.status)
    if kind is Unauthenticated and NO_MONEY.search(str(detail)):
        kind = QuotaExceeded
    if kind is Unavailable and "error_type" not in said:
        kind = None  # 503 may be a proxy's as well
    return dialect.refusal(kind, reply, vendor="fal", code=reply.status, message=detail)


def _input_fault(detail: Any) -> UpstreamError:
    """What the model says of what it was given: the first of its complaints that says most."""
    types = {str(one.get("type")) for one in detail if isinstance(one, Mapping)} if isinstance(detail, list) else set()
    text = dialect.complaints(detail)
    if types & MODERATION:
        return Moderated(text)
    return (GenerationFailed if types & FAULTS else Invalid)(text)


def _fault(shown: Mapping[str, Any]) -> UpstreamError:
    kind = Invalid if shown.get("error_type") == "bad_request" else GenerationFailed
    return kind(str(shown.get("error") or shown.get("detail") or "")[:300])


def _polled(reply: Reply) -> Polled:
    """What the result of a job that is COMPLETED says. A proxy's trouble is no verdict on it; a model's or the platform's is."""
    said = reply.json()
    if reply.status == 200:
        return _finished(said if isinstance(said, Mapping) else {})
    if reply.status == 422:
        return Failed(_error(reply, said))
    if isinstance(said, Mapping) and isinstance(said.get("error_type"), str):
        return Failed(_fault(said))
    raise _error(reply, said)


def _finished(said: Mapping[str, Any]) -> Polled:
    found = said.get("images") or [said.get("image") or said.get("video")]
    files = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    flags = said.get("has_nsfw_concepts")
    blacked = [bool(flag) for flag in flags] if isinstance(flags, list) else []
    shown = [one for number, one in enumerate(files) if not (number < len(blacked) and blacked[number])]  # the others are black
    outputs = tuple(
        Found(url=one["url"], content_type=str(one.get("content_type") or "")) for one in shown if isinstance(one.get("url"), str)
    )
    if not outputs:
        return Failed(Moderated() if any(blacked) else NoOutput())
    return Finished(outputs, warnings=("A picture was held back by moderation.",) if len(shown) < len(files) else ())
