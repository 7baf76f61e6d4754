"""stability: pictures of Stability AI's v2beta API, as its pages described it in November 2026.

An order answers with the picture. There is no job behind it, no token, no list and no call, so an answer that is lost is lost for good;
what fails is not charged. (Two of its operations answer with a job instead; Darkroom does not speak to those.)

Quirks: orders are forms, and those without a file too; the pictures that they are about go along, so they must not be long. 200 may say
`CONTENT_FILTERED` and hold a blurred picture: that is a refusal. 403 is one as well, by its name, or else of the key. Who sends too much is
locked out for a minute.

It could answer with bytes alone. As JSON, an answer says in one place what it is: a picture, a filtered one, an error, or a proxy's page.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from .. import dialect
from ..dialect import as_it_is
from ..errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    NotTried,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Part, Reply
from ..outcomes import Accepted, Balance, Facts, Finished, Found, Job, Media, Polled
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate"}),
    submit_timeout=timedelta(minutes=3),
    local_media=True,
)
BASE_URL = "https://api.stability.ai"
API, BALANCE = "/v2beta", "/v1/user/balance"
TIMEOUT_S = 15.0
MOST_BYTES = 10 * 1024 * 1024  # of an order
ROOM = 64 * 1024  # for what an order has besides its files

FILTERED = "CONTENT_FILTERED"
MODERATION = "content_moderation"
ERRORS: dict[int, type[UpstreamError]] = {
    400: Invalid,
    401: Unauthenticated,
    402: QuotaExceeded,
    403: Unauthenticated,  # or a refusal, which its name tells
    404: NotFound,
    413: Invalid,
    422: Invalid,
    429: RateLimited,
    500: Unavailable,
    503: Unavailable,
}
# A submit names no job, so it is the operation that is not there; and one that broke off is not charged.
ERRORS_OF_A_SUBMIT = ERRORS | {404: Retired, 500: GenerationFailed}
LOCKED_OUT_S = 60.0


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/").removesuffix(API) or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key")

    async def submit(self, job: Job) -> Accepted | Finished:
        path, form = await _order(job)
        said = await self._ask("POST", API + path, form=form, timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        return _finished(said, content_type=f"image/{job.input.get('output_format', 'png')}")

    async def poll(self, job: Job) -> Polled:
        raise NotFound("Stability's pictures come with the answer to their order, and cannot be asked about.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> Balance | None:
        with suppress(NotFound):  # it is of the first version of the API, which may go before the orders' does
            match await self._ask("GET", BALANCE):
                case {"credits": int() | float() as left}:
                    return dialect.balance(left, "credits", vendor="Stability")
        return None

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Stability keeps no list of the pictures that it made.")

    async def _ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, form: Any = None) -> Any:
        """An answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Stability needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}
        return _read(await self._http.request(method, self._base + path, headers=headers, form=form, timeout=timeout, paid=paid))


# How we write


def _number(value: Any) -> str:
    return str(int(value))


@dataclass(frozen=True, slots=True)
class Operation:
    """Where an order for it goes, the fields that it takes, the files that it needs (ours → theirs), and what else is always said."""

    path: str
    fields: dialect.Fields
    files: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)


FORMAT: dialect.Fields = {"output_format": ("output_format", as_it_is)}
SEEDED: dialect.Fields = FORMAT | {"seed": ("seed", _number)}
OF_A_TEXT: dialect.Fields = SEEDED | {"prompt": ("prompt", as_it_is), "negative_prompt": ("negative_prompt", as_it_is)}
DRAWN: dialect.Fields = OF_A_TEXT | {"aspect_ratio": ("aspect_ratio", as_it_is)}
PICTURE, MASKED = {"images": "image"}, {"images": "image", "mask": "mask"}
SD3 = ("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash")
OPERATIONS: dict[str, Operation] = {
    "ultra": Operation("/stable-image/generate/ultra", DRAWN),
    "core": Operation("/stable-image/generate/core", DRAWN),
    **{name: Operation("/stable-image/generate/sd3", DRAWN, more={"model": name}) for name in SD3},
    "inpaint": Operation("/stable-image/edit/inpaint", OF_A_TEXT, MASKED),
    "erase": Operation("/stable-image/edit/erase", SEEDED, MASKED),
    "remove-background": Operation("/stable-image/edit/remove-background", FORMAT, PICTURE),
    "upscale-fast": Operation("/stable-image/upscale/fast", FORMAT, PICTURE),
    "upscale-conservative": Operation("/stable-image/upscale/conservative", OF_A_TEXT, PICTURE),
}


async def _order(job: Job) -> tuple[str, list[Part]]:
    """Where the picture is ordered, and the form."""
    if job.model not in OPERATIONS:
        raise Retired(f"Darkroom does not speak to {job.model}, only to {', '.join(OPERATIONS)}.")
    wanted = OPERATIONS[job.model]
    fields = dialect.written(job, dialect.without(job.input, *wanted.files), wanted.fields)
    files = {name: _only(job, name) for name in wanted.files}
    try:
        enclosed = await asyncio.to_thread(_enclosed, files, wanted.files)
    except OSError as gone:
        raise NotTried("A picture that goes along could not be read.") from gone
    return wanted.path, [*(Part(name, value) for name, value in {**wanted.more, **fields}.items()), *enclosed]


def _only(job: Job, name: str) -> Media:
    given = job.input.get(name)
    media = given if isinstance(given, list) else [given] if given else []
    if len(media) != 1:
        raise Invalid(f"{job.model} needs one picture here.", field=name)
    return media[0]


def _enclosed(files: Mapping[str, Media], theirs: Mapping[str, str]) -> list[Part]:
    """The files, whose lengths are looked at before they are read."""
    left = MOST_BYTES - ROOM
    for name, media in files.items():
        left -= Path(media.path or "").stat().st_size
        if left < 0:
            raise Invalid(f"Stability takes orders of {MOST_BYTES // 1024 // 1024} MB at most: give smaller pictures.", field=name)
    return [Part(theirs[name], Path(media.path or "").read_bytes(), name, media.content_type) for name, media in files.items()]


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200:
        return said
    name, errors = (said.get("name"), said.get("errors")) if isinstance(said, Mapping) else (None, None)
    kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(reply.status) if isinstance(name, str) else None
    if name == MODERATION:
        kind = Moderated
    message = "; ".join(map(str, errors)) if isinstance(errors, list) else None
    error = dialect.refusal(kind, reply, vendor="Stability", code=reply.status, message=message)
    if kind is RateLimited and error.retry_after is None:
        error.retry_after = LOCKED_OUT_S
    raise error


def _finished(said: Any, *, content_type: str) -> Finished:
    match said:
        case {"finish_reason": reason} if reason == FILTERED:
            raise Moderated()
        case {"image": str(text)} if text:
            if content := dialect.decoded(text):
                return Finished((Found(content=content, content_type=content_type),))
        case {"finish_reason": _}:
            raise NoOutput()
    raise OutcomeUnknown("Stability's answer cannot be read.")
