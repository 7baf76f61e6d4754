"""google_veo: videos of Veo by long-running operations, as Google's pages described them until Veo ended there on 2026-10-22.

Gateways go on to speak it: enter the address of yours as the provider's base URL. At Google's own every order is answered with 'is no
longer available', which is Retired. (What Google makes now is `google`.)

POST /v1beta/models/{model}:predictLongRunning gives the name of an operation, and GET of that name tells whether it is done: no more, until
then. There is neither a token, nor a list; whether calls say which operation they are about is told nowhere, so none are asked for.

Quirks: 'done' is said of what failed too. A video that was filtered is missing, and counted. A file is given to who shows the key.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from .. import dialect
from ..dialect import as_it_is
from ..errors import GenerationFailed, Invalid, Moderated, NoOutput, OutcomeUnknown, Unavailable, UpstreamError
from ..outcomes import Accepted, Facts, Failed, Finished, Found, Job, Media, Polled, Running
from . import Upstream
from .google import MODERATION, Google

FACTS = Facts(
    kinds=frozenset({"video.generate"}),
    first_poll=timedelta(seconds=11),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=48),
    local_media=True,  # pictures travel in the order
)
INVALID = 3  # of google.rpc.Code; an operation that ended with any other may end well another time

NAME = re.compile(r"models/[A-Za-z0-9._-]{1,100}/operations/[A-Za-z0-9_-]{1,100}")
LONGEST = 8  # seconds, and the only length of what is large or made after references
LARGE = ("1080p", "4k")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._google = Google(upstream)

    async def submit(self, job: Job) -> Accepted | Finished:
        body = await asyncio.to_thread(_written, job)  # reads files
        path, timeout_s = f"/v1beta/models/{quote(job.model, safe='')}:predictLongRunning", FACTS.submit_timeout.total_seconds()
        match await self._google.ask("POST", path, json=body, timeout=timeout_s, paid=True):
            case {"name": str(name)} if NAME.fullmatch(name):
                return Accepted({"name": name})
        raise OutcomeUnknown("Google's answer names no operation.")

    async def poll(self, job: Job) -> Polled:
        name = (job.handle or {})["name"]
        match await self._google.ask("GET", f"/v1beta/{name}"):
            case {"name": str(shown)} as operation if shown == name:
                return _polled(operation)
        raise Unavailable("Google's answer describes another operation, or none.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        await self._google.check()

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Google has no list in which an operation could be looked for.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not NAME.fullmatch(id):
            raise Invalid("A job of Veo is known by the name of its operation, as in models/veo-3.1-generate-preview/operations/a1b2c3.")
        return {"name": id}

    def headers_for(self, url: str) -> Mapping[str, str]:
        return self._google.headers_for(url)


# How we write


def _written(job: Job) -> dict[str, Any]:
    frames, references = dialect.frame_images(job), job.input.get("input_references") or []
    if frames and references:
        raise Invalid(f"{job.model} takes frames or references, not both.", field="input_references")
    if (references or job.input.get("resolution") in LARGE) and int(job.input.get("duration", LONGEST)) != LONGEST:
        raise Invalid(f"{job.model} makes {LONGEST} s of {', '.join(LARGE)} and after references, no less.", field="duration")
    fields = dialect.written(job, dialect.without(job.input, "prompt", "frame_images", "input_references"), FIELDS)
    pictures: dict[str, Any] = {FRAMES[frame]: _image(media) for frame, media in frames.items()}
    if references:
        pictures["referenceImages"] = [{"image": _image(media), "referenceType": "ASSET"} for media in references]
    return {"instances": [{"prompt": job.input["prompt"], **pictures}], "parameters": {"sampleCount": 1, **fields}}


def _image(media: Media) -> dict[str, str]:
    return {"mimeType": media.content_type, "bytesBase64Encoded": dialect.inlined(media)}


FRAMES = {"first_frame": "image", "last_frame": "lastFrame"}
FIELDS: dialect.Fields = {
    "duration": ("durationSeconds", int),
    "resolution": ("resolution", as_it_is),
    "aspect_ratio": ("aspectRatio", as_it_is),
    "negative_prompt": ("negativePrompt", as_it_is),
}


# How we read


def _polled(shown: Mapping[str, Any]) -> Polled:
    if shown.get("done") is not True:
        return Running()
    match shown:
        case {"error": Mapping() as error}:
            return Failed(_verdict(error.get("code"), str(error.get("message") or "")[:300]))
        case {"response": {"generateVideoResponse": Mapping() as made}}:
            return _finished(made)
    return Failed(NoOutput())


def _finished(made: Mapping[str, Any]) -> Polled:
    reasons = made.get("raiMediaFilteredReasons")
    outputs = tuple(Found(url=url) for sample in dialect.objects(made.get("generatedSamples")) if (url := _url(sample)))
    if outputs:
        return Finished(outputs)
    if not dialect.number(made.get("raiMediaFilteredCount")):
        return Failed(NoOutput())
    return Failed(Moderated("; ".join(map(str, reasons))[:300] if isinstance(reasons, list) else ""))


def _url(sample: Mapping[str, Any]) -> str:
    match sample:
        case {"video": {"uri": str(uri)}}:
            return uri
    return ""


def _verdict(code: Any, message: str) -> UpstreamError:
    if MODERATION.search(message):
        return Moderated(message)
    return (Invalid if code == INVALID else GenerationFailed)(message)
