"""minimax_images: pictures by version 1 of MiniMax's API, as its pages described it in November 2026.

An order answers with the pictures. There is no job behind it, no token, no list and no call, so an answer that is lost is lost for good:
that is why it is no part of `minimax`, whose jobs are called about. Parts of an order can fail; how many, it tells, and not why.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .. import dialect
from ..dialect import as_it_is
from ..errors import GenerationFailed, NoOutput, NotFound, OutcomeUnknown
from ..outcomes import Accepted, Facts, Finished, Found, Job, Polled
from . import Upstream
from .minimax import ERRORS_OF_A_SUBMIT, MiniMax, read

FACTS = Facts(
    kinds=frozenset({"image.generate"}),
    submit_timeout=timedelta(minutes=3),
    results_live=timedelta(hours=24),
)


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._minimax = MiniMax(upstream)

    async def submit(self, job: Job) -> Accepted | Finished:
        timeout_s = FACTS.submit_timeout.total_seconds()
        reply = await self._minimax.call("POST", "/v1/image_generation", json=_written(job), timeout=timeout_s, paid=True)
        return _finished(read(reply, ERRORS_OF_A_SUBMIT))

    async def poll(self, job: Job) -> Polled:
        raise NotFound("MiniMax's pictures come with the answer to their order, and cannot be asked about.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        await self._minimax.check()

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("MiniMax keeps no list of the pictures that it made.")


# How we write

FIELDS: dialect.Fields = {
    "prompt": ("prompt", as_it_is),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "n": ("n", int),
    "seed": ("seed", int),
}


def _written(job: Job) -> dict[str, Any]:
    return {"model": job.model, **dialect.written(job, job.input, FIELDS), "response_format": "url"}


# How we read


def _finished(said: Mapping[str, Any]) -> Finished:
    match said:
        case {"data": {"image_urls": [*urls]}} if outputs := tuple(Found(url=url) for url in urls if isinstance(url, str)):
            return Finished(outputs)
        case {"metadata": {"failed_count": failed}} if dialect.number(failed):
            raise GenerationFailed()
    raise NoOutput()
