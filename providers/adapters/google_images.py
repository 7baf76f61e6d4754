"""google_images: pictures of the Gemini models, as Google's pages described them in November 2026.

POST /v1/models/{model}:generateContent answers with the picture itself, in base64. There is no job behind it, no token, no list and no
call, so an answer that is lost is lost for good: that is why it is no part of `google`, whose jobs are called about.

Quirks: the models talk. What they will not draw is an answer of 200 with a reason in place of a picture, or with a text that says so, which
is passed on. An order makes one picture. (Imagen ended here in August 2026.)
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from .. import dialect
from ..dialect import as_it_is
from ..errors import Moderated, NoOutput, NotFound, OutcomeUnknown, Refused, UpstreamError
from ..outcomes import Accepted, Facts, Finished, Found, Job, Media, Polled
from . import Upstream
from .google import Google

FACTS = Facts(
    kinds=frozenset({"image.generate"}),
    submit_timeout=timedelta(minutes=5),
    local_media=True,  # pictures travel in the order
)
# Why there is no picture, as a candidate says that it has ended.
ENDINGS: dict[str, type[UpstreamError]] = {
    "SAFETY": Moderated,
    "IMAGE_SAFETY": Moderated,
    "PROHIBITED_CONTENT": Moderated,
    "IMAGE_PROHIBITED_CONTENT": Moderated,
    "RECITATION": Moderated,
    "NO_IMAGE": NoOutput,
}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._google = Google(upstream)

    async def submit(self, job: Job) -> Accepted | Finished:
        body = await asyncio.to_thread(_written, job)  # reads files
        path, timeout_s = f"/v1/models/{quote(job.model, safe='')}:generateContent", FACTS.submit_timeout.total_seconds()
        return _finished(await self._google.ask("POST", path, json=body, timeout=timeout_s, paid=True))

    async def poll(self, job: Job) -> Polled:
        raise NotFound("Google's pictures come with the answer to their order, and cannot be asked about.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        await self._google.check()

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Google keeps no list of the pictures that it made.")


# How we write


def _written(job: Job) -> dict[str, Any]:
    shape = dialect.written(job, dialect.without(job.input, "prompt", "images"), FIELDS)
    parts = [{"text": job.input["prompt"]}, *({"inlineData": _image(image)} for image in job.input.get("images") or ())]
    how = {"responseModalities": ["IMAGE"], **({"imageConfig": shape} if shape else {})}
    return {"contents": [{"role": "user", "parts": parts}], "generationConfig": how}


def _image(media: Media) -> dict[str, str]:
    return {"mimeType": media.content_type, "data": dialect.inlined(media)}


FIELDS: dialect.Fields = {
    "aspect_ratio": ("aspectRatio", as_it_is),
    "resolution": ("imageSize", str.upper),
}


# How we read


def _finished(said: Any) -> Finished:
    """The pictures that were made; raises why there is none."""
    if not isinstance(said, Mapping):
        raise OutcomeUnknown("Google's answer cannot be read.")
    candidates = dialect.objects(said.get("candidates"))
    parts = [part for candidate in candidates for part in _parts(candidate)]
    outputs = tuple(picture for picture in map(_picture, parts) if picture)
    if not outputs:
        raise _reason(said, candidates, parts)
    return Finished(outputs, usage=dialect.amounts(said.get("usageMetadata")))


def _parts(candidate: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    match candidate:
        case {"content": {"parts": parts}}:
            return dialect.objects(parts)
    return []


def _picture(part: Mapping[str, Any]) -> Found | None:
    match part:
        case {"inlineData": {"data": data, **more}} if content := dialect.decoded(data):
            return Found(content=content, content_type=str(more.get("mimeType") or "image/png"))
    return None


def _reason(said: Mapping[str, Any], candidates: list[Mapping[str, Any]], parts: list[Mapping[str, Any]]) -> UpstreamError:
    match said:
        case {"promptFeedback": {"blockReason": str()}}:
            return Moderated()
    ending = next((kind for one in candidates if (kind := ENDINGS.get(str(one.get("finishReason"))))), None)
    text = " ".join(part["text"] for part in parts if isinstance(part.get("text"), str))
    if ending is None and text:
        return Refused(text[:300])
    return (ending or NoOutput)()
