"""google: videos of Gemini Omni by the Interactions API, as Google's pages described it in November 2026.

POST /v1/interactions orders a video in the background, and GET tells how it stands. There is neither a token nor a list, and labels cannot
be searched. A lost submit is settled by the call that comes when its job ends, and names it: believed for its address, which holds a
secret of this one attempt, where the job is one of our model's.

Quirks: 'completed' is said of a job that was filtered too: then it has no video, and took no tokens. The video is asked for as a file of
Google's and may come in base64 all the same. A file is given to who shows the key, once it is ACTIVE. A wrong key is a 400. That our quota
of a day is used up and that a minute's is are one code, and only its details tell.

Whether a job that is stopped is charged is told nowhere. (Pictures are `google_images`; Veo, which ended here, is `google_veo`.)
"""

import asyncio
import re
from collections.abc import Mapping
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
from ..outcomes import Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Media, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"video.generate"}),
    recovery=frozenset({"callback"}),
    cancel="billed",
    first_poll=timedelta(seconds=10),
    pace=timedelta(seconds=5),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=48),
    local_media=True,  # pictures travel in the order
)
BASE_URL = "https://generativelanguage.googleapis.com"
TIMEOUT_S = 15.0

STATUS: dict[str, words.Meaning] = {
    "queued": Running,
    "in_progress": Running,
    "requires_continuation": Running,
    "idle": Running,
    "completed": Finished,
    "failed": Failed,
    "cancelled": Failed,
    "incomplete": Failed,
    "budget_exceeded": Failed,
    "requires_action": Failed,
}
# Of a file. Where Google tells no state, it is fetched.
FILE: dict[str, words.Meaning] = {"PROCESSING": Running, "ACTIVE": Finished, "FAILED": Failed}
ERRORS: dict[str, type[UpstreamError]] = {
    "INVALID_ARGUMENT": Invalid,
    "FAILED_PRECONDITION": Unauthenticated,  # no billing, or not in our region: nothing that a client can mend
    "UNAUTHENTICATED": Unauthenticated,
    "PERMISSION_DENIED": Unauthenticated,
    "NOT_FOUND": NotFound,
    "RESOURCE_EXHAUSTED": RateLimited,
    "UNAVAILABLE": Unavailable,
}
ERRORS_OF_A_SUBMIT = ERRORS | {"NOT_FOUND": Retired}  # a submit names no job, so it is the model that is not there
# What only the details of an error, or its text, tell.
WRONG_KEY = "API_KEY_INVALID"
OF_A_DAY = re.compile("per_?day", re.IGNORECASE)
MODERATION = re.compile("safety|prohibited|usage polic|blocked by", re.IGNORECASE)

ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
FILE_NAME = re.compile(r"/files/([a-z0-9-]+)")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._google = Google(upstream)

    async def submit(self, job: Job) -> Accepted | Finished:
        body = await asyncio.to_thread(_written, job)  # reads files
        timeout_s = FACTS.submit_timeout.total_seconds()
        match await self._google.ask("POST", "/v1/interactions", json=body, timeout=timeout_s, paid=True):
            case {"id": str(id)} if id:
                return Accepted({"id": id})
        raise OutcomeUnknown("Google's answer names no interaction.")

    async def poll(self, job: Job) -> Polled:
        outcome = _polled(await self._shown((job.handle or {})["id"]))
        match outcome:
            case Finished(outputs=(Found(url=url),)) if named := FILE_NAME.search(url):
                return await self._fetchable(outcome, named[1])
        return outcome

    async def cancel(self, job: Job) -> bool:
        try:
            said = await self._google.ask("POST", f"/v1/interactions/{quote((job.handle or {})['id'], safe='')}/cancel")
        except (Invalid, NotFound):  # it has ended
            return False
        return isinstance(said, Mapping) and said.get("status") not in ("completed", "failed")

    async def check(self) -> None:
        await self._google.check()

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.hint is None:
            raise OutcomeUnknown("Google has not called about this job yet.")
        if job.hint in job.held:
            raise OutcomeUnknown("Google called about the job of another attempt.")
        if (await self._shown(job.hint["id"])).get("model") != job.model:
            raise OutcomeUnknown("Google called about a job of another model.")
        return Accepted(job.hint)

    @staticmethod
    def hear(callback: Callback) -> Heard:
        match callback.json():
            case {"type": str(), "data": {"id": str(id)}} if ID.fullmatch(id):
                return Heard(handle={"id": id})
        return Heard()

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not ID.fullmatch(id):
            raise Invalid("A job of Gemini Omni is known by the id of its interaction, as in v1_ChdRc2xyYWVU.")
        return {"id": id}

    def headers_for(self, url: str) -> Mapping[str, str]:
        return self._google.headers_for(url)

    async def _shown(self, id: str) -> Mapping[str, Any]:
        match await self._google.ask("GET", f"/v1/interactions/{quote(id, safe='')}?stream=false"):
            case {"id": str(shown)} as interaction if shown == id:
                return interaction
        raise Unavailable("Google's answer describes another interaction, or none.")

    async def _fetchable(self, finished: Finished, name: str) -> Polled:
        """The end of a job whose video is this file, at the address from which it is fetched; Running until it can be."""
        try:
            said = await self._google.ask("GET", f"/v1beta/files/{name}")
        except NotFound:  # whether files that were made are shown as those are that were uploaded is told nowhere
            said = {"state": "ACTIVE"}
        state = words.meaning(said.get("state") if isinstance(said, Mapping) else None, FILE, of="google's files")
        if state is Running:
            return Running()
        if state is Failed:
            return Failed(NoOutput("Google could not process the video that it made."))
        return Finished((Found(url=f"{self._google.base}/v1beta/files/{name}:download?alt=media"),), usage=finished.usage)


class Google:
    """Calls to the Gemini API, with our key."""

    def __init__(self, upstream: Upstream) -> None:
        self.base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """An answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Google needs an api_key.")
        headers = {"x-goog-api-key": self._key}
        return read(await self._http.request(method, self.base + path, headers=headers, json=json, timeout=timeout, paid=paid))

    async def check(self) -> None:
        await self.ask("GET", "/v1/models?pageSize=1")

    def headers_for(self, url: str) -> Mapping[str, str]:
        """Our key, for Google's own addresses: it sends on to others'."""
        return {"x-goog-api-key": self._key} if self._key and url.startswith(f"{self.base}/") else {}


# How we write


def _written(job: Job) -> dict[str, Any]:
    frames, references = job.input.get("frame_images"), job.input.get("input_references") or []
    if frames and references:
        raise Invalid(f"{job.model} takes a first frame or references, not both.", field="input_references")
    images = [dialect.frame_images(job, takes=("first_frame",))["first_frame"]] if frames else references
    task = "image_to_video" if frames else "reference_to_video" if references else "text_to_video"
    fields = dialect.written(job, dialect.without(job.input, "prompt", "frame_images", "input_references"), FIELDS)
    body = {
        "model": job.model,
        "input": [{"type": "text", "text": job.input["prompt"]}, *map(_image, images)],
        "background": True,
        "store": True,
        "generation_config": {"video_config": {"task": task}},
        "response_format": {"type": "video", "delivery": "uri", **fields},
    }
    return body | ({"webhook_config": {"uris": [job.callback_url]}} if job.callback_url else {})


def _image(media: Media) -> dict[str, str]:
    return {"type": "image", "mime_type": media.content_type, "data": dialect.inlined(media)}


FIELDS: dialect.Fields = {
    "duration": ("duration", lambda seconds: f"{int(seconds)}s"),
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
}


# How we read


def read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200:
        return said
    match said:
        case {"error": Mapping() as error} | [{"error": Mapping() as error}]:
            raise _error(reply, error)
    raise dialect.refusal(None, reply, vendor="Google", code=reply.status, message=None)


def _error(reply: Reply, error: Mapping[str, Any]) -> UpstreamError:
    word, message, details = str(error.get("status")), error.get("message"), str(error.get("details") or "")
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(word)
    if kind is Invalid and WRONG_KEY in details:
        kind = Unauthenticated
    if kind is Invalid and MODERATION.search(str(message)):
        kind = Moderated
    if kind is RateLimited and OF_A_DAY.search(details):
        kind = QuotaExceeded
    refused = dialect.refusal(kind, reply, vendor="Google", code=word, message=message)
    refused.retry_after = refused.retry_after or _delay(error.get("details"))
    return refused


def _delay(details: Any) -> float | None:
    """After how many seconds to come again, as RetryInfo says: {"retryDelay": "34s"}."""
    for detail in dialect.objects(details):
        match detail:
            case {"retryDelay": str(delay)}:
                return dialect.number(delay.removesuffix("s"))
    return None


def _polled(shown: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(shown.get("status"), STATUS, of="google")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(_verdict(shown))
    used = dialect.amounts(shown.get("usage"))
    if videos := [video for video in map(_video, _content(shown)) if video]:
        return Finished((videos[-1],), usage=used)
    # It was looked at and nothing was made. Regions in which it edits nobody's videos end so as well; ours are not edited.
    return Failed(Moderated() if used.get("total_output_tokens") == 0 else NoOutput())


def _content(shown: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All that the model put out, in the order of its steps."""
    outputs = [step for step in dialect.objects(shown.get("steps")) if step.get("type") == "model_output"]
    return [part for step in outputs for part in dialect.objects(step.get("content"))]


def _video(part: Mapping[str, Any]) -> Found | None:
    match part:
        case {"type": "video", "uri": str(uri)} if uri:
            return Found(url=uri)
        case {"type": "video", "data": data} if content := dialect.decoded(data):
            return Found(content=content, content_type=str(part.get("mime_type") or "video/mp4"))
    return None


def _verdict(shown: Mapping[str, Any]) -> UpstreamError:
    """Why it gave nothing: as it says of the whole, or of a step."""
    of_steps = [step.get("error") for step in dialect.objects(shown.get("steps"))]
    faults = [*dialect.objects(shown.get("errors")), *dialect.objects(of_steps)]
    text = "; ".join(str(fault.get("message") or "") for fault in faults)[:300]
    codes = " ".join(str(fault.get("code")) for fault in faults)
    return (Moderated if MODERATION.search(f"{codes} {text}") else GenerationFailed)(text)
