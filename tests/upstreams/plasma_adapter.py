"""plasma: pictures and videos, as tests/upstreams/plasma.py describes the protocol.

A client token is honoured for ever: a repeat answers with the first job. Progress is told, and so is what a job cost.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.adapters import Upstream
from providers.errors import (
    GenerationFailed,
    Interrupted,
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
    recovery=frozenset({"replays", "looks_up"}),
    cancel="free",
    first_poll=timedelta(seconds=1),
    pace=timedelta(seconds=1),
    submit_timeout=timedelta(seconds=5),
)
STATUS = {"waiting": Running, "drawing": Running, "done": Finished, "broken": Failed, "canceled": Failed}
ERRORS = {
    12: Invalid,
    14: Moderated,
    17: RateLimited,
    19: Unavailable,
    21: Retired,
    22: NotFound,
    23: QuotaExceeded,
    31: Unauthenticated,
    40: GenerationFailed,
    41: Interrupted,
}
TOO_LATE = 409
FIELDS = {"prompt": "prompt", "size": "size", "duration": "seconds", "seed": "seed", "n": "n", "image": "image"}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def submit(self, job: Job) -> Accepted | Finished:
        reply = await self._ask("POST", "/v1/jobs", json=_written(job), timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        return _bought(_read(reply, paid=True))

    async def poll(self, job: Job) -> Polled:
        return _polled(_read(await self._ask("GET", f"/v1/jobs/{job.handle['id']}")))

    async def cancel(self, job: Job) -> bool:
        reply = await self._ask("DELETE", f"/v1/jobs/{job.handle['id']}")
        return reply.status != TOO_LATE and bool(_read(reply))

    async def check(self) -> None:
        _read(await self._ask("GET", "/v1/models"))

    async def find(self, job: Job) -> Accepted | Finished | None:
        found = _read(await self._ask("GET", f"/v1/jobs?client_token={job.token}"))["data"]
        return _bought(found[0]) if found else None

    def handle_of(self, id: str) -> Mapping[str, Any]:
        return {"id": id}

    async def _ask(self, method: str, path: str, *, timeout: float = 15, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.upstream.credentials['key']}"}
        return await self.upstream.http.request(method, self.upstream.base_url + path, headers=headers, timeout=timeout, **more)


def _written(job: Job) -> dict[str, Any]:
    body = {"model": job.model, "client_token": job.token}
    for name, value in job.input.items():
        if name not in FIELDS:
            raise Invalid(f"plasma takes no {name}", field=name)
        body[FIELDS[name]] = value.url if isinstance(value, Media) else value
    return body


def _read(reply: Any, *, paid: bool = False) -> dict[str, Any]:
    """The body of a 2xx; raises what any other answer means."""
    if reply.status < 300:
        return reply.json()
    raise _error(reply, paid)


def _error(reply: Any, paid: bool) -> UpstreamError:
    try:
        said = reply.json()["error"]
    except (UpstreamError, KeyError, TypeError):
        said = {}  # not plasma's own words: a proxy in the way
    unclear = OutcomeUnknown if paid else Unavailable
    kind = ERRORS.get(said.get("code"), unclear)
    retry_after = reply.headers.get("Retry-After")
    return kind(said.get("message", ""), field=said.get("field"), retry_after=float(retry_after) if retry_after else None)


def _bought(shown: Mapping[str, Any]) -> Accepted | Finished:
    if shown.get("status") == "done" and shown["results"]:
        return _finished(shown)
    if "id" not in shown:
        raise OutcomeUnknown("plasma's answer names no job")
    return Accepted({"id": shown["id"]})


def _polled(shown: Mapping[str, Any]) -> Polled:
    outcome = STATUS.get(shown.get("status", ""), Running)
    if outcome is Running:
        return Running(shown.get("progress"))
    if outcome is Failed:
        error = shown.get("error", {})
        return Failed(ERRORS.get(error.get("code"), GenerationFailed)(error.get("message", "")))
    return _finished(shown) if shown["results"] else Failed(NoOutput())


def _finished(shown: Mapping[str, Any]) -> Finished:
    outputs = tuple(Found(url=result["url"]) for result in shown["results"])
    return Finished(outputs, usage=shown.get("usage", {}), cost=shown.get("charged"))
