"""grit: pictures and videos, as tests/upstreams/grit.py describes the protocol.

No token, no list, no cancel: a submit without a readable answer can never be asked about.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.adapters import Upstream
from providers.errors import (
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
from providers.outcomes import Accepted, Facts, Failed, Finished, Found, Job, Media, Polled, Running

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    first_poll=timedelta(seconds=2),
    pace=timedelta(seconds=2),
    submit_timeout=timedelta(seconds=5),
)
STATUS = {"pending": Running, "working": Running, "ready": Finished, "error": Failed}
ERRORS = {
    "BAD_FIELD": Invalid,
    "NOT_NICE": Moderated,
    "BUSY": RateLimited,
    "CLOSED": Unavailable,
    "NO_ENGINE": Retired,
    "NO_JOB": NotFound,
    "PAY_FIRST": QuotaExceeded,
    "WHO_ARE_YOU": Unauthenticated,
    "OOPS": GenerationFailed,
}
FIELDS = {"prompt": "text", "duration": "length_s", "n": "count", "image": "start_from"}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def submit(self, job: Job) -> Accepted | Finished:
        reply = await self._ask("POST", "/generate", json=_written(job), timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        shown = _read(reply, paid=True)
        if shown.get("state") == "ready" and shown["files"]:
            return _finished(shown)
        if "job" not in shown:
            raise OutcomeUnknown("grit's answer names no job")
        return Accepted({"number": shown["job"]})

    async def poll(self, job: Job) -> Polled:
        shown = _read(await self._ask("GET", f"/jobs/{job.handle['number']}"))
        outcome = STATUS.get(shown.get("state", ""), Running)
        if outcome is Running:
            return Running(shown.get("percent", 0) / 100)
        if outcome is Failed:
            return Failed(ERRORS.get(shown.get("why"), GenerationFailed)(shown.get("say", "")))
        return _finished(shown) if shown["files"] else Failed(NoOutput())

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        _read(await self._ask("GET", "/ping"))

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("grit keeps no list of jobs")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not id.isdecimal():
            raise Invalid("grit counts its jobs: give the number of one")
        return {"number": int(id)}

    async def _ask(self, method: str, path: str, *, timeout: float = 15, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.upstream.credentials['key']}"}
        return await self.upstream.http.request(method, self.upstream.base_url + path, headers=headers, timeout=timeout, **more)


def _written(job: Job) -> dict[str, Any]:
    body: dict[str, Any] = {"engine": job.model}
    for name, value in job.input.items():
        if name == "size":
            body["width"], body["height"] = map(int, value.split("x"))
        elif name in FIELDS:
            body[FIELDS[name]] = value.url if isinstance(value, Media) else value
        else:
            raise Invalid(f"grit takes no {name}", field=name)
    return body


def _read(reply: Any, *, paid: bool = False) -> dict[str, Any]:
    """The body of an answer that says ok; raises what any other means. A refusal may come as HTTP 200."""
    unclear = OutcomeUnknown if paid else Unavailable
    try:
        said = reply.json()
    except UpstreamError:
        raise unclear("grit's answer cannot be read") from None
    if reply.status < 300 and said.get("ok"):
        return said
    retry_after = reply.headers.get("Retry-After")
    kind = ERRORS.get(said.get("why"), unclear)
    if kind is GenerationFailed:
        kind = unclear  # OOPS before there is a job says nothing about whether there is one
    raise kind(said.get("say", ""), field=said.get("at"), retry_after=float(retry_after) if retry_after else None)


def _finished(shown: Mapping[str, Any]) -> Finished:
    return Finished(tuple(Found(url=url) for url in shown["files"]))
