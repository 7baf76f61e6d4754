"""volcengine_images: Seedream pictures of Volcengine Ark, as its pages described it in November 2026.

POST /images/generations answers with the pictures, after 7 to 14 minutes where they are large or many. There is no task behind it, no token
and no list, so an answer that is lost is lost for good. That is why it is no part of `volcengine`, whose jobs can be looked up.

Quirks: a part of a set can fail within an answer that went well, and only finished pictures are billed; a mark is drawn into each picture
unless it is asked not to.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .. import dialect
from ..dialect import Fields, as_it_is
from ..errors import Invalid, NoOutput, NotFound, OutcomeUnknown, UpstreamError
from ..outcomes import Accepted, Facts, Finished, Found, Job, Polled
from . import Upstream
from .volcengine import Ark, ending, usage

FACTS = Facts(
    kinds=frozenset({"image.generate"}),
    submit_timeout=timedelta(minutes=20),
    results_live=timedelta(hours=24),
)
IMAGES = "/images/generations"
MOST_PICTURES = 15  # given and made together


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._ark = Ark(upstream)

    async def submit(self, job: Job) -> Accepted | Finished:
        said = await self._ark.ask("POST", IMAGES, json=_written(job), timeout=FACTS.submit_timeout.total_seconds(), paid=True)
        return _finished(said)

    async def poll(self, job: Job) -> Polled:
        raise NotFound("Ark's pictures come with the answer to their order, and cannot be asked about.")

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        await self._ark.check()

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Ark keeps no list of the pictures that it made.")


# How we write


def _written(job: Job) -> dict[str, Any]:
    if "size" in job.input and "resolution" in job.input:
        raise Invalid(f"{job.model} takes a size or a resolution, not both.", field="size")
    if "output_format" in job.input and "seedream-5" not in job.model:
        raise Invalid(f"{job.model} takes no output_format.", field="output_format")
    fields = dialect.written(job, dialect.without(job.input, "n"), FIELDS)
    return {"model": job.model, **fields, **_count(job), "response_format": "url", "watermark": False}


def _count(job: Job) -> dict[str, Any]:
    """One picture, or a set of up to `n`: how many belong to it, the model decides by the prompt."""
    count, given = int(job.input.get("n", 1)), len(job.input.get("images") or ())
    if count + given > MOST_PICTURES:
        raise Invalid(f"{job.model} takes and makes {MOST_PICTURES} pictures together: lower n.", field="n")
    if count == 1:
        return {"sequential_image_generation": "disabled"}
    return {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": count}}


FIELDS: Fields = {
    "prompt": ("prompt", as_it_is),
    "images": ("image", dialect.urls),
    "size": ("size", as_it_is),
    "resolution": ("size", str.upper),
    "output_format": ("output_format", as_it_is),
}


# How we read


def _finished(said: Any) -> Finished:
    """The pictures that were made; raises why there is none."""
    if not isinstance(said, Mapping):
        raise OutcomeUnknown("Ark's answer cannot be read.")
    parts = [part for part in said.get("data") or () if isinstance(part, Mapping)]
    outputs = tuple(Found(url=part["url"]) for part in parts if isinstance(part.get("url"), str) and part["url"])
    faults = [fault for part in (*parts, said) if (fault := _fault(part.get("error")))]
    if not outputs:
        raise faults[0] if faults else NoOutput()
    return Finished(outputs, warnings=tuple(f"A picture was not made: {fault.message}" for fault in faults), usage=usage(said.get("usage")))


def _fault(error: Any) -> UpstreamError | None:
    match error:
        case {"code": str(code), **more}:
            return ending(code, more.get("message"))
    return None
