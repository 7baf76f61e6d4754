"""tencent_vclm: Kling and Vidu videos of Tencent Cloud's video creation (API 2024-05-23), as its pages described it in November 2026.

Submit…Job → JobId; each submit has a describe of its own, so the handle keeps which. `providers/tc3.py` signs and reads. A route's model is
kling/v3.0 or vidu/viduq3-pro. Tencent's own models of this service are left out: they call nobody, and TokenHub and VOD have them.

There is no token and no list, so a lost submit is settled by a callback alone. Callbacks are not signed: which job one names is believed
where the job itself shows our token, which Vidu's documents for Payload, and Kling's does for ExternalTaskId without saying so. Where it
should not, the task fails as if nobody had called. The address that we give says which describe is meant, for a call does not.

Quirks: a mark is drawn into each video, unless Tencent has approved of leaving it out.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .. import dialect, tc3, words
from ..dialect import Fields, as_it_is
from ..errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Refused,
    Retired,
    UpstreamError,
)
from ..outcomes import Accepted, Callback, Facts, Failed, Finished, Found, Heard, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"video.generate"}),
    recovery=frozenset({"callback"}),
    first_poll=timedelta(seconds=20),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=24),
)
VERSION, REGION = "2024-05-23", "ap-guangzhou"
NOBODYS = "1"  # a job that there is not, to ask about for nothing

STATUS: dict[str, words.Meaning] = {"WAIT": Running, "RUN": Running, "DONE": Finished, "FAIL": Failed}
# A picture or a sound that will not do; the spelling is Tencent's.
UNFIT = (
    "AudioDecodeFailed ImageBodySmall ImageCheckNoBody ImageDecodeFailed ImageDetectFaceFailed ImageDownloadError ImageFaceDetectFailed "
    "ImageManyPeople ImageNotSupported ImageRadioExcceed ImageSizeExceed KeyPointUndetected TemplateFirstFrameNotDetectFace "
    "TemplateNotDetectBody"
)
ERRORS: tc3.Errors = {
    **tc3.ERRORS,
    **{f"FailedOperation.{what}": Invalid for what in UNFIT.split()},
    "FailedOperation.ModerationFailed": Moderated,
    "FailedOperation.ModerationAudioFailed": Moderated,
    "FailedOperation.JobNotExist": NotFound,
    "FailedOperation.JobNotFound": NotFound,
    "InvalidParameterValue.InvalidModel": Retired,
    "RequestLimitExceeded.JobNumExceed": RateLimited,  # as many jobs at once as the contract allows
    "ResourcesSoldOut.ChargeStatusException": QuotaExceeded,  # arrears
    "ResourceUnavailable.NotExist": QuotaExceeded,  # the service is not opened, or (IsOpening) not yet
    "ResourceUnavailable.IsOpening": QuotaExceeded,
    "ResourceUnavailable.StopUsing": Retired,
}
# A code of FailedOperation that no table has is in doubt: RequestTimeout and its like say that the backend was slow.
ERRORS_OF_A_SUBMIT: tc3.Errors = {**tc3.ERRORS_OF_A_SUBMIT, **{code: kind for code, kind in ERRORS.items() if code not in tc3.ERRORS}}

ON = {True: "on", False: "off"}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._vclm = tc3.Service(upstream, "vclm", VERSION, ERRORS, ERRORS_OF_A_SUBMIT, region=REGION)

    async def submit(self, job: Job) -> Accepted | Finished:
        way = _way(job)
        timeout = FACTS.submit_timeout.total_seconds()
        said = await self._vclm.ask(f"Submit{way.name}", _written(job, way), timeout=timeout, paid=True)
        if not (isinstance(said.get("JobId"), str) and said["JobId"]):
            raise OutcomeUnknown("Tencent's answer names no job.")
        return Accepted(_handle(way.name, said["JobId"]))

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._shown(job.handle or {}))

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        with suppress(Refused, NotFound):  # then it read the question, and knew our keys
            await self._shown(_handle(next(iter(WAYS.values())).name, NOBODYS))

    async def find(self, job: Job) -> Accepted | Finished | None:
        if job.hint is None:
            raise OutcomeUnknown("Tencent has not called yet.")
        shown = await self._shown(job.hint)
        if job.token not in (shown.get("Payload"), shown.get("ExternalTaskId")):
            raise OutcomeUnknown("Tencent called about a job that does not show our token.")
        return Accepted(job.hint)

    @staticmethod
    def hear(callback: Callback) -> Heard:
        name = callback.query.get("of", "")
        match callback.json():
            case {"JobId": str(id)} | {"Response": {"JobId": str(id)}} if id and name in NAMES:
                return Heard(handle=_handle(name, id))
        return Heard()

    async def _shown(self, handle: Mapping[str, Any]) -> Mapping[str, Any]:
        return await self._vclm.ask(f"Describe{handle['of']}", {"JobId": handle["id"]})


def _handle(name: str, id: str) -> dict[str, str]:
    """All that is needed to ask again; `of` is what stands behind Submit and Describe."""
    return {"of": name, "id": id}


# How we write


@dataclass(frozen=True, slots=True)
class Way:
    """One action: its name behind Submit, its fields, and the one that shows our token."""

    name: str
    fields: Fields
    mark: str


def _way(job: Job) -> Way:
    maker, _, version = job.model.partition("/")
    given = "references" if job.input.get("input_references") else "frames" if job.input.get("frame_images") else "text"
    if not version or not any(maker == known for known, _ in WAYS):
        raise Retired(f"This service has no model {job.model!r}: they are called kling/v3.0 or vidu/viduq3-pro.")
    if (maker, given) not in WAYS:
        raise Invalid(f"{job.model} takes no input_references.", field="input_references")
    return WAYS[maker, given]


def _written(job: Job, way: Way) -> dict[str, Any]:
    frames = dialect.frames(job)
    if frames and "input_references" in job.input:
        raise Invalid(f"{job.model} takes frames or references, not both.", field="input_references")
    given = dialect.without(job.input, "frame_images")
    if frames and "aspect_ratio" in given:
        raise Invalid(f"{job.model} takes its aspect ratio from the first frame: leave it out.", field="aspect_ratio")
    call = {"CallbackUrl": f"{job.callback_url}?of={way.name}"} if job.callback_url else {}
    version = job.model.partition("/")[2]
    pictures = _framed(way, frames) if frames else {}
    return {"Model": version, **dialect.written(job, given, way.fields), **pictures, way.mark: job.token, **call}


def _framed(way: Way, frames: Mapping[str, str]) -> dict[str, Any]:
    """Kling has a field for each frame, Vidu a list: the first, or the first and the last."""
    if way.mark == "Payload":
        return {"Images": [frames[name] for name in ("first_frame", "last_frame") if name in frames]}
    named = {"first_frame": "Image", "last_frame": "ImageTail"}
    return {named[name]: {"Url": url} for name, url in frames.items()}


def _text(value: float) -> str:
    return f"{value:g}"


KLING: Fields = {
    "prompt": ("Prompt", as_it_is),
    "negative_prompt": ("NegativePrompt", as_it_is),
    "duration": ("Duration", _text),
    "mode": ("Mode", as_it_is),
    "aspect_ratio": ("AspectRatio", as_it_is),
    "generate_audio": ("Sound", ON.__getitem__),
}
VIDU: Fields = {
    "prompt": ("Prompt", as_it_is),
    "duration": ("Duration", int),
    "resolution": ("Resolution", as_it_is),
    "aspect_ratio": ("AspectRatio", as_it_is),
    "generate_audio": ("Audio", as_it_is),
}
# By the model's maker and what is given beside the prompt.
WAYS: dict[tuple[str, str], Way] = {
    ("kling", "text"): Way("TextToVideoJob", KLING, "ExternalTaskId"),
    ("kling", "frames"): Way("ImageToVideoJob", KLING, "ExternalTaskId"),
    ("vidu", "text"): Way("TextToVideoViduJob", VIDU, "Payload"),
    ("vidu", "frames"): Way("ImageToVideoViduJob", VIDU, "Payload"),
    ("vidu", "references"): Way("ReferenceToVideoViduJob", {**VIDU, "input_references": ("Images", dialect.urls)}, "Payload"),
}
NAMES = {way.name for way in WAYS.values()}


# How we read


def _polled(shown: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(shown.get("Status"), STATUS, of="tencent_vclm")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(_ending(str(shown.get("ErrorCode") or ""), str(shown.get("ErrorMessage") or "")))
    url = shown.get("ResultVideoUrl")
    if not (isinstance(url, str) and url):
        return Failed(NoOutput())
    return Finished((Found(url=url),), cost=_cost(shown))


def _ending(code: str, message: str) -> UpstreamError:
    """Why a job that was taken ended badly: the request's fault, or else the model's."""
    kind = tc3.kind_of(code, ERRORS)
    return (kind if kind and issubclass(kind, Refused) else GenerationFailed)(message[:300])


def _cost(shown: Mapping[str, Any]) -> float | None:
    """Kling's units, or Vidu's credits."""
    return dialect.number(shown.get("FinalUnitDeduction", shown.get("Credits")))
