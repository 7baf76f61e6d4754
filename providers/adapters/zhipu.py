"""zhipu: CogVideoX videos, and GLM and CogView pictures, of Zhipu's BigModel (abroad Z.ai), as its pages described it in November 2026.

POST /videos/generations, /async/images/generations → {id}; GET /async-result/{id} → {task_status, video_result | image_result}
POST /images/generations answers with the picture

`request_id` is ours. A repeated one was refused once, by older lists of codes; whether it still is nobody tells, and a refusal would not
name the job. There is no look-up by it either, no list, no callback and no cancel. So it is sent for whoever searches the vendor's log,
and nothing rests on it: a lost submit is never sent again.

Quirks: 429 is arrears, caps and plans as well as a rate, and only the code tells; codes are texts of digits, or numbers; a task that
failed says no reason, but for what the content filter found.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from .. import dialect, words
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
    Repeated,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Reply
from ..outcomes import Accepted, Facts, Failed, Finished, Found, Job, Polled, Running
from . import Upstream

FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    first_poll=timedelta(seconds=20),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(minutes=3),
    results_live=timedelta(hours=1),  # nobody tells, so at once
)
BASE_URL = "https://open.bigmodel.cn/api/paas/v4"  # abroad https://api.z.ai/api/paas/v4, as the provider's base URL
VIDEOS, IMAGES, LATER_IMAGES, RESULTS = "/videos/generations", "/images/generations", "/async/images/generations", "/async-result"
TIMEOUT_S = 15.0
NOBODYS = "darkroom-check"  # a task that there is not, to ask about for nothing

STATUS: dict[str, words.Meaning] = {"PROCESSING": Running, "SUCCESS": Finished, "FAIL": Failed}
ERRORS: dict[int, type[UpstreamError]] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004, 1005), Unauthenticated),
    **dict.fromkeys((1110, 1111, 1112, 1121), Unauthenticated),  # the account is inactive, unknown or locked
    1113: QuotaExceeded,  # arrears; like all caps and plans below it comes as HTTP 429
    1210: Invalid,
    1211: Retired,  # there is no such model
    **dict.fromkeys((1212, 1213, 1214, 1215, 1221, 1222, 1261), Invalid),
    1220: Unauthenticated,
    1231: Repeated,
    1232: Invalid,
    1233: NotFound,
    **dict.fromkeys((1200, 1230, 1234), Unavailable),
    **dict.fromkeys((1300, 1301), Moderated),
    **dict.fromkeys((1302, 1303, 1313), RateLimited),
    **dict.fromkeys((1305, 1312), RateLimited),  # the model has no room
    **dict.fromkeys((1304, 1308, 1309, 1310, 1311, 1314, 1315, 1316, 1317, 1318, 1319, 1320, 1321), QuotaExceeded),
}
# Of a submit these say no more than that something went wrong; and a question never repeats anything.
ERRORS_OF_A_SUBMIT = {**ERRORS, **dict.fromkeys((1200, 1230, 1234), OutcomeUnknown), 1233: OutcomeUnknown}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._key = upstream.credentials.get("api_key", "")

    async def submit(self, job: Job) -> Accepted | Finished:
        path, write, read = _way(job)
        body = {"model": job.model, **write(job), "request_id": job.token}
        return read(await self._ask("POST", path, json=body, timeout=FACTS.submit_timeout.total_seconds(), paid=True))

    async def poll(self, job: Job) -> Polled:
        return _polled(await self._ask("GET", _path((job.handle or {})["id"])))

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        with suppress(Invalid, NotFound):  # then it read the question, and knew our key
            await self._ask("GET", _path(NOBODYS))

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Zhipu keeps no list of tasks.")

    def handle_of(self, id: str) -> Mapping[str, Any]:
        if not id.replace("-", "").isalnum():
            raise Invalid("A task of Zhipu is known by an id such as 43181752647475473-8253018079582209822.")
        return {"id": id}

    async def _ask(self, method: str, path: str, *, timeout: float = TIMEOUT_S, paid: bool = False, json: Any = None) -> Any:
        """The answer that says it is well; raises what any other means."""
        if not self._key:
            raise Unauthenticated("Zhipu needs an api_key.")
        headers = {"Authorization": f"Bearer {self._key}", "Accept-Language": "en-US,en"}
        return _read(await self._http.request(method, self._base + path, headers=headers, json=json, timeout=timeout, paid=paid))


def _path(id: str) -> str:
    return f"{RESULTS}/{quote(id, safe='')}"


# How we write


def _video(job: Job) -> dict[str, Any]:
    frames = dialect.frames(job)
    given = dialect.without(job.input, "frame_images")
    if "last_frame" in frames and job.model != "cogvideox-3":
        raise Invalid(f"{job.model} takes no last frame.", field="frame_images")
    if "last_frame" in frames and given.get("quality") == "quality":
        raise Invalid(f"{job.model} goes from a first to a last frame in quality speed only.", field="quality")
    pictures = {"image_url": [frames[name] for name in _in_order(frames)]} if frames else {}
    return {**dialect.written(job, given, VIDEO_FIELDS), **pictures}


def _in_order(frames: Mapping[str, str]) -> list[str]:
    """One picture is the first frame, two are the first and the last."""
    return [name for name in ("first_frame", "last_frame") if name in frames]


def _picture(job: Job) -> dict[str, Any]:
    return dialect.written(job, job.input, PICTURE_FIELDS)


VIDEO_FIELDS: Fields = {
    "prompt": ("prompt", as_it_is),
    "duration": ("duration", int),
    "size": ("size", as_it_is),
    "quality": ("quality", as_it_is),
    "generate_audio": ("with_audio", as_it_is),
    "fps": ("fps", int),
}
PICTURE_FIELDS: Fields = {"prompt": ("prompt", as_it_is), "size": ("size", as_it_is), "quality": ("quality", as_it_is)}


# How we read


def _read(reply: Reply) -> Any:
    said = reply.json()
    if reply.status == 200 and isinstance(said, Mapping) and "error" not in said:
        return said
    match said:
        case {"error": {"code": str() | int() as code, **more}} | {"code": str() | int() as code, **more}:
            raise dialect.refusal(_kind(code, reply), reply, vendor="Zhipu", code=code, message=more.get("message"))
    raise dialect.in_doubt(reply.paid)(f"Zhipu answered with status {reply.status}, and its answer cannot be read.")


def _kind(code: str | int, reply: Reply) -> type[UpstreamError] | None:
    errors = ERRORS_OF_A_SUBMIT if reply.paid else ERRORS
    return errors.get(int(code)) if str(code).isdecimal() else None


def _accepted(said: Mapping[str, Any]) -> Accepted:
    if not (isinstance(said.get("id"), str) and said["id"]):
        raise OutcomeUnknown("Zhipu's answer names no task.")
    return Accepted({"id": said["id"]})


def _drawn(said: Mapping[str, Any]) -> Finished:
    outputs = _found(said.get("data"))
    if not outputs:
        raise Moderated() if said.get("content_filter") else NoOutput()
    return Finished(outputs)


def _polled(said: Mapping[str, Any]) -> Polled:
    outcome = words.meaning(said.get("task_status"), STATUS, of="zhipu")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(Moderated() if said.get("content_filter") else GenerationFailed())
    outputs = _found(said.get("video_result")) or _found(said.get("image_result"))
    return Finished(outputs) if outputs else Failed(NoOutput())


def _found(results: Any) -> tuple[Found, ...]:
    parts = results if isinstance(results, list) else ()
    return tuple(Found(url=one["url"]) for one in parts if isinstance(one, Mapping) and isinstance(one.get("url"), str) and one["url"])


Way = tuple[str, Callable[[Job], dict[str, Any]], Callable[[Mapping[str, Any]], Accepted | Finished]]

# By kind and model: where it is ordered, how that is written, and how the answer is read.
WAYS: dict[tuple[str, str], Way] = {
    **{("video.generate", model): (VIDEOS, _video, _accepted) for model in ("cogvideox-3", "cogvideox-2", "cogvideox-flash")},
    ("image.generate", "glm-image"): (LATER_IMAGES, _picture, _accepted),
    **{("image.generate", model): (IMAGES, _picture, _drawn) for model in ("cogview-4", "cogview-4-250304", "cogview-3-flash")},
}


def _way(job: Job) -> Way:
    if (job.kind, job.model) not in WAYS:
        raise Retired(f"Zhipu has no {job.model!r} for {job.kind}, or none that we know.")
    return WAYS[job.kind, job.model]
