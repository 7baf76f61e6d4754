"""openai: pictures of OpenAI's Images API, as its pages described it in November 2026.

POST /images/generations, or /images/edits where pictures are given, answers within two minutes with the pictures themselves, in base64.
There is no job behind it, no token and no list, so an answer that is lost is lost for good. (Its videos ended on 2026-09-24; who speaks
their protocol today is asked by `openai_compatible`.)

Quirks: 429 means that it is busy or that our money is used up, which only the code tells; moderation is a 400 with a code of its own. A
model that fails while it draws is a plain 500, like one that never began: its outcome is unknown. All pictures of an order come in one
answer, and one as large as their sides and number allow must still be readable: so they are counted before they are bought.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .. import dialect
from ..dialect import Fields, as_it_is
from ..errors import (
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
from ..outcomes import Accepted, Facts, Finished, Found, Job, Polled
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate"}),
    submit_timeout=timedelta(minutes=5),
)
BASE_URL = "https://api.openai.com"
API = "/v1"
TIMEOUT_S = 15.0

# By the error's `code`, else its `type`, else the answer's status.
ERRORS: dict[str | int, type[UpstreamError]] = {
    "moderation_blocked": Moderated,
    "content_policy_violation": Moderated,
    "credit_balance_exhausted": QuotaExceeded,
    "organization_spend_limit_exceeded": QuotaExceeded,
    "organization_usage_limit_exceeded": QuotaExceeded,
    "project_spend_limit_exceeded": QuotaExceeded,
    "insufficient_quota": QuotaExceeded,
    400: Invalid,
    401: Unauthenticated,
    403: Unauthenticated,  # a region, or an organisation that is not verified
    404: NotFound,
    422: Invalid,
    429: RateLimited,
    503: Unavailable,
}
ERRORS_OF_A_SUBMIT = ERRORS | {404: Retired}  # a submit names no job, so it is the model that is not there

# Of all pictures in one answer: 3 bytes for each in base64, if nothing can be compressed, is as much as providers/http.py reads.
MOST_PIXELS = 3840 * 2160
LARGEST_BY_ITSELF = "1536x1024"  # that a model chooses where no size is given


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._openai = OpenAI(upstream, base_url=upstream.base_url or BASE_URL)

    async def submit(self, job: Job) -> Accepted | Finished:
        path, body = _order(job)
        return _finished(_read(await self._ask("POST", path, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True)))

    async def poll(self, job: Job) -> Polled:
        raise NotFound("OpenAI's pictures come with the answer to their order, and cannot be asked about.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        _read(await self._ask("GET", "/models"))

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("OpenAI keeps no list of the pictures that it made.")

    async def _ask(self, method: str, path: str, **more: Any) -> Reply:
        if not self._openai.key:
            raise Unauthenticated("OpenAI needs an api_key.")
        return await self._openai.ask(method, path, **more)


class OpenAI:
    """Calls to a server that speaks OpenAI's API, with our key where there is one."""

    def __init__(self, upstream: Upstream, *, base_url: str) -> None:
        self.root = base_url.rstrip("/").removesuffix(API)
        self.key, self._http = upstream.credentials.get("api_key"), upstream.http

    @property
    def base(self) -> str:
        return self.root + API

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    async def ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, prefer: str = "", **more: Any) -> Reply:
        headers = self.headers | ({"Prefer": prefer} if prefer else {})
        return await self._http.request(method, self.base + path, headers=headers, timeout=timeout, **more)


# How we write


def _order(job: Job) -> tuple[str, dict[str, Any]]:
    """Where the pictures are ordered, and how."""
    if "mask" in job.input and not job.input.get("images"):
        raise Invalid(f"{job.model} takes a mask only beside the picture that it belongs to.", field="mask")
    _check_size(job)
    path = "/images/edits" if job.input.get("images") else "/images/generations"
    return path, {"model": job.model} | dialect.written(job, job.input, FIELDS)


def _check_size(job: Job) -> None:
    width, _, height = (LARGEST_BY_ITSELF if job.input.get("size", "auto") == "auto" else str(job.input["size"])).partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise Invalid(f"{job.model} takes a size as in 1024x1024.", field="size")
    if int(job.input.get("n", 1)) * int(width) * int(height) > MOST_PIXELS:
        raise Invalid(f"{job.model} makes {MOST_PIXELS:,} pixels in one order at most: lower n or size.", field="n")


def _by_address(image: Any) -> dict[str, str]:
    return {"image_url": dialect.url(image)}


FIELDS: Fields = {
    "prompt": ("prompt", as_it_is),
    "n": ("n", int),
    "size": ("size", as_it_is),
    "quality": ("quality", as_it_is),
    "background": ("background", as_it_is),
    "output_format": ("output_format", as_it_is),
    "images": ("images", lambda images: [_by_address(image) for image in images]),
    "mask": ("mask", _by_address),
}


# How we read


def error_of(reply: Reply, error: Mapping[str, Any] | None, *, vendor: str) -> UpstreamError:
    """What an answer means that is not well; `error` as the server itself says it, None: these are another's words, a proxy's maybe."""
    table, said = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS), error or {}
    code = next((word for word in (said.get("code"), said.get("type")) if isinstance(word, str) and word in table), reply.status)
    kind = None if error is None else table.get(code)
    return dialect.refusal(kind, reply, vendor=vendor, code=said.get("code") or code, message=said.get("message"))


def pictures(said: Mapping[str, Any]) -> list[Found]:
    """Those that an answer carries in base64."""
    content_type = f"image/{said.get('output_format') or 'png'}"
    contents = [dialect.decoded(part.get("b64_json")) for part in dialect.objects(said.get("data"))]
    return [Found(content=content, content_type=content_type) for content in contents if content]


def _read(reply: Reply) -> Mapping[str, Any]:
    match reply.json():
        case Mapping() as said if reply.status == 200:
            return said
        case {"error": Mapping() as error}:
            raise error_of(reply, error, vendor="OpenAI")
    raise error_of(reply, None, vendor="OpenAI")


def _finished(said: Mapping[str, Any]) -> Finished:
    outputs = pictures(said)
    if not outputs:
        raise NoOutput()
    return Finished(tuple(outputs), usage=dialect.amounts(said.get("usage")))
