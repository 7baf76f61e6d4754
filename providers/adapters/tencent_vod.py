"""tencent_vod: AIGC tasks of Tencent Cloud VOD (API 2018-07-17): videos and pictures of many makers. Read in November 2026.

CreateAigcVideoTask, CreateAigcImageTask → TaskId; DescribeTaskDetail tells of one task for 3 days, DescribeTasks lists those of 72 hours;
ManageTask aborts one that waits. A route's model is ModelName/ModelVersion, as in Kling/3.0. `providers/tc3.py` signs and reads.

A repeated SessionId is refused for 3 days, and the refusal does not tell the first task: a list by time does, where AIGC tasks are in
it, which no page says outright. So a lost submit is never bought twice, whatever the list shows. VOD's events go to one address for
the whole account, not to one of ours per task, so none are heard.

Quirks: FINISH says that a task has ended, not that it ended well; the list tells states and no results, so each task is asked about alone.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from .. import dialect, tc3, words
from ..dialect import Fields, as_it_is, url
from ..errors import (
    GenerationFailed,
    Invalid,
    Moderated,
    NoOutput,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    Refused,
    Repeated,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..outcomes import Accepted, Facts, Failed, Finished, Found, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    recovery=frozenset({"rejects"}),
    cancel="free_while_queued",
    first_poll=timedelta(seconds=20),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(days=7),
)
VERSION = "2018-07-17"
CLOCKS_APART = timedelta(minutes=5)  # Tencent refuses what is signed further off
PAGE, MOST_PAGES = 100, 50

STATUS: dict[str, words.Meaning] = {"WAITING": Running, "PROCESSING": Running, "FINISH": Finished, "ABORTED": Failed}
ERRORS: tc3.Errors = {
    **tc3.ERRORS,
    "InvalidParameterValue.SubAppId": Unauthenticated,  # it is of our credentials
    "InvalidParameterValue.TaskId": NotFound,
    "InvalidParameter.VoilationContent": Moderated,  # as it is spelt there; told of tasks that have ended, and so maybe of an order
    "ContentModerationFailed": Moderated,
    "ResourceNotFound.ServiceNotExist": QuotaExceeded,  # VOD is not opened for the account
    "ResourceNotFound.UserNotExist": QuotaExceeded,
    "FailedOperation.InvalidAccount": QuotaExceeded,
}
ERRORS_OF_A_SUBMIT: tc3.Errors = {
    **ERRORS,
    **{code: kind for code, kind in tc3.ERRORS_OF_A_SUBMIT.items() if kind is not tc3.ERRORS[code]},
    "InvalidParameterValue.SessionId": Repeated,
}
# Why a task that was taken ended badly; what is not here is the model's failure.
ENDINGS: dict[str, type[UpstreamError]] = {
    "InvalidParameter.VoilationContent": Moderated,
    "ContentModerationFailed": Moderated,
    "InvalidParameter": Invalid,
    "InvalidParameterValue": Invalid,
    "ResourceNotFound": Invalid,  # what an input's address does not give
}

CREATE = {"video.generate": "CreateAigcVideoTask", "image.generate": "CreateAigcImageTask"}
USAGE = {"first_frame": "FirstFrame", "last_frame": "LastFrame"}
ON = {True: "Enabled", False: "Disabled"}
COUNTS = {"Kling", "OG"}  # the makers that make as many pictures as asked for; others pass the number over
TASK_ID = re.compile(r"\d+-Aigc(Video|Image)-[\w-]+", re.ASCII)


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._vod = tc3.Service(upstream, "vod", VERSION, ERRORS, ERRORS_OF_A_SUBMIT)
        self._sub_app_id = upstream.credentials.get("sub_app_id", "")

    async def submit(self, job: Job) -> Accepted | Finished:
        written = _written(job)
        said = await self._ask(CREATE[job.kind], timeout=FACTS.submit_timeout.total_seconds(), paid=True, **written)
        return Accepted(_handle(said.get("TaskId")))

    async def poll(self, job: Job) -> Polled:
        id = (job.handle or {})["id"]
        return _polled(await self._ask("DescribeTaskDetail", TaskId=id), id)

    async def cancel(self, job: Job) -> bool:
        try:
            await self._ask("ManageTask", TaskId=(job.handle or {})["id"], OperationType="Abort")
        except (Refused, NotFound, Unavailable):
            return False  # what a task that runs already answers is told nowhere; it goes on, and is asked about
        return True

    async def check(self) -> None:
        await self._ask("DescribeTasks", Limit=1)

    async def find(self, job: Job) -> Accepted | Finished | None:
        more: dict[str, Any] = {"CreateTime": _around(job.sent_at)} if job.sent_at else {}
        for _ in range(MOST_PAGES):
            page = await self._ask("DescribeTasks", Limit=PAGE, **more)
            for shown in _tasks(page):
                if shown.get("SessionId") == job.token:
                    return Accepted(_handle(shown.get("TaskId")))
            if not page.get("ScrollToken"):
                return None
            more["ScrollToken"] = page["ScrollToken"]
        raise OutcomeUnknown("Tencent's list of tasks is too long to be read.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not TASK_ID.fullmatch(id):
            raise Invalid("A task of VOD is known by an id such as 251007502-AigcVideo-0a1b2c.")
        return {"id": id}

    async def _ask(self, action: str, *, timeout: float = tc3.TIMEOUT_S, paid: bool = False, **parameters: Any) -> Mapping[str, Any]:
        if not self._sub_app_id.isdecimal():
            raise Unauthenticated("VOD needs a sub_app_id, the number of an application, beside secret_id and secret_key.")
        return await self._vod.ask(action, {"SubAppId": int(self._sub_app_id), **parameters}, timeout=timeout, paid=paid)


# How we write


def _written(job: Job) -> dict[str, Any]:
    maker, _, version = job.model.partition("/")
    if not version:
        raise Retired(f"VOD has no model {job.model!r}: they are called ModelName/ModelVersion.")
    marks = {"SessionId": job.token, "SessionContext": job.token}
    return {"ModelName": maker, "ModelVersion": version, **(_picture(job, maker) if _is_picture(job) else _video(job)), **marks}


def _is_picture(job: Job) -> bool:
    return job.kind == "image.generate"


def _video(job: Job) -> dict[str, Any]:
    frames = dialect.frames(job)
    given = dialect.without(job.input, "frame_images")
    if frames and "aspect_ratio" in given:
        raise Invalid(f"{job.model} takes its aspect ratio from the first frame: leave it out.", field="aspect_ratio")
    files = [{"Type": "Url", "Category": "Image", "Url": address, "Usage": USAGE[frame]} for frame, address in frames.items()]
    return _order(job, given, VIDEO_OUTPUT, files)


def _picture(job: Job, maker: str) -> dict[str, Any]:
    given = dialect.without(job.input, "images", "mask")
    if maker not in COUNTS and given.pop("n", 1) != 1:
        raise Invalid(f"{job.model} makes one picture at a time.", field="n")
    if "mask" in job.input and maker != "OG":
        raise Invalid(f"{job.model} takes no mask.", field="mask")
    if maker == "Kling" and "resolution" in given:  # it writes 2k where all others write 2K
        return _order(job, given, {**IMAGE_OUTPUT, "resolution": ("Resolution", str.lower)}, _pictures(job))
    return _order(job, given, IMAGE_OUTPUT, _pictures(job))


def _pictures(job: Job) -> list[dict[str, str]]:
    files = [{"Type": "Url", "Url": url(image)} for image in job.input.get("images") or ()]
    mask = job.input.get("mask")
    return files + ([{"Type": "Url", "Url": url(mask), "ReferenceType": "mask"}] if mask else [])


def _order(job: Job, given: Mapping[str, Any], output: Fields, files: list[dict[str, str]]) -> dict[str, Any]:
    fields = dialect.written(job, {name: value for name, value in given.items() if name not in output}, FIELDS)
    config = dialect.written(job, {name: value for name, value in given.items() if name in output}, output)
    return {**fields, **({"FileInfos": files} if files else {}), "OutputConfig": {"StorageMode": "Temporary", **config}}


FIELDS: Fields = {
    "prompt": ("Prompt", as_it_is),
    "negative_prompt": ("NegativePrompt", as_it_is),
    "seed": ("Seed", int),
}
VIDEO_OUTPUT: Fields = {
    "duration": ("Duration", as_it_is),
    "resolution": ("Resolution", str.upper),
    "aspect_ratio": ("AspectRatio", as_it_is),
    "generate_audio": ("AudioGeneration", ON.__getitem__),
}
IMAGE_OUTPUT: Fields = {
    "n": ("OutputImageCount", int),
    "resolution": ("Resolution", str.upper),
    "aspect_ratio": ("AspectRatio", as_it_is),
    "output_format": ("OutputFormat", as_it_is),
}


def _around(sent_at: datetime) -> dict[str, str]:
    """Between which times the task of a submit that left then was made, by a clock that may differ from ours."""
    return {
        "After": _time(sent_at - CLOCKS_APART),
        "Before": _time(sent_at + FACTS.submit_timeout + CLOCKS_APART),
    }


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# How we read


def _handle(id: object) -> dict[str, str]:
    if not (isinstance(id, str) and id):
        raise OutcomeUnknown("Tencent's answer names no task.")
    return {"id": id}


def _tasks(page: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = page.get("TaskSet")
    if not isinstance(listed, list):
        raise Unavailable("Tencent's answer is no list of tasks.")
    return (shown for shown in listed if isinstance(shown, Mapping))


def _polled(said: Mapping[str, Any], id: str) -> Polled:
    task = said.get(str(said.get("TaskType")))
    outcome = words.meaning(said.get("Status"), STATUS, of="tencent_vod")
    if outcome is Failed:
        return Failed(GenerationFailed("The task was stopped at Tencent."))
    if not isinstance(task, Mapping) or task.get("TaskId") != id:
        raise Unavailable("Tencent's answer describes another task.")
    if outcome is Running:
        return Running(_progress(task))
    if task.get("ErrCode") or task.get("ErrCodeExt"):
        return Failed(_ending(str(task.get("ErrCodeExt") or ""), str(task.get("Message") or "")))
    outputs = tuple(Found(url=one) for one in _urls(task.get("Output")))
    return Finished(outputs) if outputs else Failed(NoOutput())


def _progress(task: Mapping[str, Any]) -> float | None:
    percent = dialect.number(task.get("Progress"))
    return percent / 100 if percent is not None and 0 <= percent <= 100 else None


def _ending(code: str, message: str) -> UpstreamError:
    return (tc3.kind_of(code, ENDINGS) or GenerationFailed)(message[:300])


def _urls(output: Any) -> list[str]:
    files = output.get("FileInfos") if isinstance(output, Mapping) else None
    return [one["FileUrl"] for one in files or () if isinstance(one, Mapping) and isinstance(one.get("FileUrl"), str) and one["FileUrl"]]
