"""Our own functions, run by the local runtime (scf_client/local): plain HTTP without credentials, on this machine.

A run is known by our token, so a repeated submit answers with the first run, and its handle holds no more than that. Inputs are
read, and results offered, as files: the runtime shares the disk with the workers.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ...errors import (
    GenerationFailed,
    Interrupted,
    Invalid,
    NoOutput,
    NotTried,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Retired,
    Unavailable,
    UpstreamError,
)
from ...http import Reply
from ...outcomes import Accepted, Facts, Failed, Finished, Found, Job, Media, Polled, Running
from .. import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate", "image.stitch", "video.compose", "text.process"}),
    recovery=frozenset({"replays", "looks_up"}),
    cancel="free",
    first_poll=timedelta(seconds=0.3),
    pace=timedelta(seconds=0.7),
    submit_timeout=timedelta(seconds=20),
    results_live=timedelta(days=2),
    local_media=True,
)

TIMEOUT_S = 10.0
# A task that is not done by its deadline is asked for once more and ended then; the runtime's own limit is for a run that nobody ends.
BEYOND_DEADLINE_S = 60.0
# What an error of a function, or of its run, means; any other is GenerationFailed.
ERRORS: dict[str, type[UpstreamError]] = {
    "invalid_input": Invalid,
    "out_of_memory": Invalid,
    "instance_died": Interrupted,
    "canceled": Interrupted,
}
# What the runtime's refusal of a run means; any other answer leaves open whether it took the run.
REFUSALS: dict[int, type[UpstreamError]] = {400: Refused, 404: Retired, 413: Refused, 429: RateLimited}


class Local:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/"), upstream.http

    async def submit(self, job: Job) -> Accepted | Finished:
        timeout = FACTS.submit_timeout.total_seconds()
        reply = await self._http.request("POST", f"{self._base}/runs", json=_order(job, datetime.now(UTC)), timeout=timeout, paid=True)
        if reply.status == 202:
            return Accepted({"token": job.token})
        if reply.status in REFUSALS:
            raise REFUSALS[reply.status]()
        raise OutcomeUnknown(f"The function runtime answered with status {reply.status}.")

    async def poll(self, job: Job) -> Polled:
        state = await self._state("GET", job)
        if state is None:
            return Failed(Interrupted("The run was lost."))  # with the runtime's folder: it keeps each order until its run is over
        return _polled(state)

    async def cancel(self, job: Job) -> bool:
        state = await self._state("DELETE", job)
        return state is None or state["status"] == "failed"  # a run that it does not know cannot go on

    async def check(self) -> None:
        reply = await self._http.request("GET", f"{self._base}/healthz", timeout=TIMEOUT_S)
        if reply.status != 200:
            raise Unavailable(f"The function runtime answered with status {reply.status}.")

    async def find(self, job: Job) -> Accepted | Finished | None:
        state = await self._state("GET", job)
        return None if state is None else Accepted({"token": job.token})

    async def _state(self, method: str, job: Job) -> dict[str, Any] | None:
        reply = await self._http.request(method, f"{self._base}/runs/{job.token}", timeout=TIMEOUT_S)
        return _read(reply)


def _order(job: Job, now: datetime) -> dict[str, Any]:
    time_limit_s = max(0.0, (job.deadline_at - now).total_seconds()) + BEYOND_DEADLINE_S
    event = {"kind": job.kind, "input": _written(job.input)}
    return {"function": job.model, "token": job.token, "event": event, "time_limit_s": time_limit_s}


def _written(value: Any) -> Any:
    """The input as JSON; a function takes a file as {"path"}."""
    if isinstance(value, Media):
        if value.path is None:
            raise NotTried("An input file is not on this machine.")
        return {"path": value.path}
    if isinstance(value, Mapping):
        return {name: _written(item) for name, item in value.items()}
    return [_written(item) for item in value] if isinstance(value, list | tuple) else value


def _read(reply: Reply) -> dict[str, Any] | None:
    """A run's state, None where the runtime does not know it; any other answer is no verdict."""
    state = reply.json()
    if reply.status == 404 and isinstance(state, dict) and state.get("status") == "unknown":
        return None
    if reply.status != 200 or not isinstance(state, dict) or "status" not in state:
        raise Unavailable(f"The function runtime answered with status {reply.status}.")
    return state


def _polled(state: Mapping[str, Any]) -> Polled:
    if state["status"] == "failed":
        return Failed(_error(state["result"]["error"]))
    if state["status"] != "finished":
        return Running(state.get("progress"))
    outputs = tuple(Found(url=Path(output["path"]).as_uri(), content_type=output["content_type"]) for output in state["result"]["outputs"])
    return Finished(outputs) if outputs else Failed(NoOutput())


def _error(error: Mapping[str, Any]) -> UpstreamError:
    return ERRORS.get(error["code"], GenerationFailed)(error["message"], field=error.get("field"))
