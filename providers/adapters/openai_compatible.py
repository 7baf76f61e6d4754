"""openai_compatible: any server that speaks OpenAI's /v1/images/generations or /v1/videos. Another Darkroom is one too.

As OpenAI's pages described them in November 2026, and those of vLLM-Omni, SGLang and LiteLLM. The base URL is where its `/v1` lies; the
models are the operator's, and a route names the server's own. A key is shown where there is one. Pictures come with the answer to their
order, or later: who answers 202 and where they will be, as Darkroom does, is asked there. A video is a job, and its content is given to who
shows the key.

What all of them promise is little. Not all have a list, and none knows a token: a submit whose answer is lost is never settled by itself. A
5xx leaves open what was bought, unless it is a 503 in the server's own words. DELETE stops a job at some servers; at others it is refused
while the job runs. It takes away the result of one that is over, so the state is read first. What is stopped counts as charged.

Where they differ: an error is OpenAI's object, or a `detail` as FastAPI writes it, or a text; a picture is in base64, or at a URL; an order
is accepted with 200, 201 or 202; `seed` and `negative_prompt` are no fields of OpenAI's, but of all that run open models. A picture that
another Darkroom could not make is told by an error, in words of ours: then it was not charged.
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .. import dialect, words
from ..dialect import Fields, as_it_is
from ..errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotSent,
    OutcomeUnknown,
    Refused,
    Unavailable,
    UpstreamError,
)
from ..http import Part, Reply
from ..outcomes import Accepted, Facts, Failed, Finished, Found, Job, Media, Polled, Running
from . import Upstream
from .openai import OpenAI, error_of, pictures

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    cancel="billed",
    first_poll=timedelta(seconds=5),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(minutes=10),  # a picture is drawn in it, behind others on the same card
    results_live=timedelta(hours=1),
    local_media=True,  # a server in our own network need not reach us
)
STATUS: dict[str, words.Meaning] = {
    "queued": Running,
    "pending": Running,
    "in_progress": Running,
    "processing": Running,
    "completed": Finished,
    "failed": Failed,
    "cancelled": Failed,
    "expired": Failed,
}
# Why a job failed, by its code.
FAILURES: dict[str, type[UpstreamError]] = {"moderation_blocked": Moderated, "content_policy_violation": Moderated}
ENDED = ("generation_failed", "result_lost", "expired", "quarantined", "submission_outcome_unknown")  # with a task of another Darkroom
ENDINGS: dict[str, type[UpstreamError]] = {**dict.fromkeys(ENDED, GenerationFailed), "no_output": NoOutput}
LATER = 202
TAKEN = (200, 201, LATER)
GOES_ON = (400, 404, 405, 409)  # what DELETE is answered where it does not stop a job

ID = re.compile(r"[A-Za-z0-9._:=-]{1,500}")
# Of where pictures will be, no more is taken than what is asked for: the host is the operator's to name.
PICTURES_AT = re.compile(r"/v1(/images/[A-Za-z0-9_-]{1,100}(?:\?[A-Za-z0-9_=&-]{0,100})?)$")


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._server = OpenAI(upstream, base_url=upstream.base_url)

    async def submit(self, job: Job) -> Accepted | Finished:
        timeout_s = FACTS.submit_timeout.total_seconds()
        if job.kind == "image.generate":
            wish, prefer = _picture(job), "respond-async"
            reply = await self._ask("POST", "/images/generations", json=wish, prefer=prefer, timeout=timeout_s, paid=True)
            return _drawn_or_taken(reply)
        form = await asyncio.to_thread(_video, job)  # reads a file
        match _read(await self._ask("POST", "/videos", form=form, timeout=timeout_s, paid=True)):
            case {"id": str(id)} if ID.fullmatch(id):
                return Accepted({"id": id})
        raise OutcomeUnknown("The server's answer names no video.")

    async def poll(self, job: Job) -> Polled:
        handle = job.handle or {}
        if path := handle.get("pictures"):
            return _drawn_or_not_yet(await self._ask("GET", path))
        shown, content = await self._shown(handle["id"]), f"{self._server.base}{_path(handle['id'])}/content"
        return _polled(shown, content)

    async def cancel(self, job: Job) -> bool:
        id = (job.handle or {}).get("id")
        if id is None:  # pictures, which nobody stops
            return False
        if words.meaning((await self._shown(id)).get("status"), STATUS, of="openai_compatible") is not Running:
            return False
        reply = await self._ask("DELETE", _path(id))
        return reply.status not in GOES_ON and _read(reply).get("deleted") is not False

    async def check(self) -> None:
        _read(await self._ask("GET", "/models"))

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Not every such server has a list in which a job could be looked for.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not ID.fullmatch(id):
            raise Invalid("A video is known by its id, as in video_68d7512d07848190b3e45da0ecbebcde.")
        return {"id": id}

    def headers_for(self, url: str) -> Mapping[str, str]:
        return self._server.headers if url.startswith(f"{self._server.root}/") else {}

    async def _shown(self, id: str) -> Mapping[str, Any]:
        shown = _read(await self._ask("GET", _path(id)))
        if shown.get("id") != id:
            raise Unavailable("The server's answer describes another video, or none.")
        return shown

    async def _ask(self, method: str, path: str, **more: Any) -> Reply:
        if not self._server.root:
            raise NotSent("The provider needs a base URL.")
        return await self._server.ask(method, path, **more)


def _path(id: str) -> str:
    return f"/videos/{quote(id, safe='')}"


# How we write


def _picture(job: Job) -> dict[str, Any]:
    return {"model": job.model} | dialect.written(job, job.input, PICTURE)


def _video(job: Job) -> list[Part]:
    """As OpenAI's own client orders a video: by a form, whether there is a file in it or not."""
    frame = dialect.frame_images(job, takes=("first_frame",)).get("first_frame")
    fields = {"model": job.model} | dialect.written(job, dialect.without(job.input, "frame_images"), VIDEO)
    return [Part(name, value) for name, value in fields.items()] + ([_file(frame)] if frame else [])


def _file(media: Media) -> Part:
    content_type = media.content_type or "application/octet-stream"
    return Part("input_reference", Path(media.path or "").read_bytes(), f"frame.{content_type.rpartition('/')[2]}", content_type)


PICTURE: Fields = {
    "prompt": ("prompt", as_it_is),
    "n": ("n", int),
    "size": ("size", as_it_is),
    "quality": ("quality", as_it_is),
    "background": ("background", as_it_is),
    "output_format": ("output_format", as_it_is),
    "negative_prompt": ("negative_prompt", as_it_is),
    "seed": ("seed", int),
}
VIDEO: Fields = {
    "prompt": ("prompt", str),
    "duration": ("seconds", lambda seconds: f"{seconds:g}"),
    "size": ("size", str),
    "negative_prompt": ("negative_prompt", str),
    "seed": ("seed", lambda seed: str(int(seed))),
}


# How we read


def _read(reply: Reply) -> Mapping[str, Any]:
    said = reply.json()
    if reply.status in TAKEN and isinstance(said, Mapping):
        return said
    error = _complaint(said)
    if error and (ending := ENDINGS.get(str(error.get("code")))):
        raise ending(str(error.get("message") or "")[:300])
    raise error_of(reply, error, vendor="The server")


def _complaint(said: Any) -> Mapping[str, Any] | None:
    """What is wrong, in the words of OpenAI or FastAPI; None: in nobody's that we know."""
    match said:
        case {"error": Mapping() as error}:
            return error
        case {"error": str(message)} | {"detail": str(message)}:
            return {"message": message}
        case {"detail": detail} if message := dialect.complaints(detail):
            return {"message": message}
        case {"detail": Mapping() as error}:
            return error
    return None


def _drawn_or_taken(reply: Reply) -> Accepted | Finished:
    """The pictures, or where they will be."""
    said = _read(reply)
    if reply.status != LATER or said.get("data"):
        return _drawn(said)
    if found := PICTURES_AT.search(str(said.get("url"))):
        return Accepted({"pictures": found[1]})
    raise OutcomeUnknown("The server has taken the order, and does not say where its pictures will be.")


def _drawn_or_not_yet(reply: Reply) -> Polled:
    """As the order was answered, but that what went wrong is a verdict now."""
    try:
        said = _read(reply)
        return Running() if reply.status == LATER else _drawn(said)
    except (Refused, GenerationFailed) as verdict:
        return Failed(verdict)


def _drawn(said: Mapping[str, Any]) -> Finished:
    """The pictures, those in base64 and those at a URL."""
    urls = [part.get("url") for part in dialect.objects(said.get("data"))]
    outputs = (*pictures(said), *(Found(url=url) for url in urls if isinstance(url, str) and url.startswith("http")))
    if not outputs:
        raise NoOutput()
    return Finished(outputs, usage=dialect.amounts(said.get("usage")))


def _polled(shown: Mapping[str, Any], content: str) -> Polled:
    outcome = words.meaning(shown.get("status"), STATUS, of="openai_compatible")
    if outcome is Running:
        percent = dialect.number(shown.get("progress"))
        return Running(percent if percent is None else min(max(percent / 100, 0.0), 1.0))
    if outcome is Failed:
        return Failed(_verdict(shown.get("error")))
    return Finished((Found(url=content),), usage=dialect.amounts(shown.get("usage")))


def _verdict(error: Any) -> UpstreamError:
    match error:
        case {"message": message, **more}:
            return FAILURES.get(str(more.get("code")), GenerationFailed)(str(message or "")[:300])
    return GenerationFailed(error[:300] if isinstance(error, str) else "")
