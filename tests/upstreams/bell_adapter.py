"""bell: pictures and videos, as tests/upstreams/bell.py describes the protocol.

It takes no token, but calls the address that it was given. A call names the order, and an order shows the address that it came with:
so the order that a call names is ours where it shows ours, and not because the call says so.
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
from providers.outcomes import Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    recovery=frozenset({"callback"}),
    first_poll=timedelta(seconds=60),
    pace=timedelta(seconds=60),
    submit_timeout=timedelta(seconds=5),
)
STATUS = {"open": Running, "done": Finished, "broken": Failed}
ERRORS = {
    "WRONG": Invalid,
    "UNSEEMLY": Moderated,
    "LATER": RateLimited,
    "CLOSED": Unavailable,
    "NO_MODEL": Retired,
    "NO_ORDER": NotFound,
    "NO_MONEY": QuotaExceeded,
    "NO_KEY": Unauthenticated,
}
FIELDS = {"prompt": "text", "n": "count"}
IGNORED = {"duration"}  # each bell rings as long as it likes


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    async def submit(self, job: Job) -> Accepted | Finished:
        reply = await self._ask("POST", "/orders", json=_written(job), timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        shown = read(reply, paid=True)
        if "id" not in shown:
            raise OutcomeUnknown("bell's answer names no order")
        return Accepted({"order": shown["id"]})

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._order(job.handle))

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        read(await self._ask("GET", "/ping"))

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.hint is None:
            raise OutcomeUnknown("bell has not called yet")
        shown = await self._order(job.hint)
        if shown.get("call") != job.callback_url:
            raise OutcomeUnknown("bell called about an order that is not ours")
        return Accepted(job.hint)

    @staticmethod
    def hear(callback: Callback) -> Heard:
        said = callback.json()
        match said:
            case {"knock": str()}:
                return Heard(answer=said)
            case {"order": str(order)}:
                return Heard(handle={"order": order})
        return Heard()

    async def _order(self, handle: Mapping[str, Any]) -> dict[str, Any]:
        return read(await self._ask("GET", f"/orders/{handle['order']}"))

    async def _ask(self, method: str, path: str, *, timeout: float = 15, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.upstream.credentials['key']}"}
        return await self.upstream.http.request(method, self.upstream.base_url + path, headers=headers, timeout=timeout, **more)


def _written(job: Job) -> dict[str, Any]:
    body: dict[str, Any] = {"model": job.model} | ({"call": job.callback_url} if job.callback_url else {})
    for name, value in job.input.items():
        if name in FIELDS:
            body[FIELDS[name]] = value
        elif name not in IGNORED:
            raise Invalid(f"bell takes no {name}", field=name)
    return body


def read(reply: Any, *, paid: bool = False) -> dict[str, Any]:
    """The body of a 2xx; raises what any other answer means."""
    unclear = OutcomeUnknown if paid else Unavailable
    try:
        said = reply.json()
    except UpstreamError:
        raise unclear("bell's answer cannot be read") from None
    if reply.status < 300:
        return said
    raise ERRORS.get(said.get("error"), unclear)(said.get("detail", ""), field=said.get("field"))


def _polled(shown: Mapping[str, Any]) -> Polled:
    outcome = STATUS.get(shown.get("state", ""), Running)
    if outcome is Running:
        return Running(shown.get("part"))
    if outcome is Failed:
        return Failed(ERRORS.get(shown.get("reason", ""), GenerationFailed)())
    return Finished(tuple(Found(url=url) for url in shown["files"])) if shown["files"] else Failed(NoOutput())
