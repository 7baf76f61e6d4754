"""jimeng: Jimeng's videos and pictures by Volcengine's visual API (2022-08-31), as its pages described it in November 2026.

POST /?Action=CVSync2AsyncSubmitTask {req_key, …} → {task_id}, POST /?Action=CVSync2AsyncGetResult {req_key, task_id} → {status, urls}: the
req_key names the model and belongs to the question. Requests are signed with two keys, much like AWS's.

There is no token, no list and no callback, so a lost submit is never sent again; whether these jobs can be canceled is told nowhere.

Quirks: the code comes before the status, and a job that failed is told by the code of the question about it, whatever the HTTP status; so
50429 there says "ask later", 50516 that the job is over, and 50500 nothing. A task that is not known, or older than 12 hours, is a status.
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import orjson

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
    Refused,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from ..http import Reply
from ..outcomes import Accepted, Facts, Failed, Finished, Found, Job, Polled, Running
from . import Upstream

PICTURES_LIVE = timedelta(hours=24)
FACTS = Facts(
    kinds=frozenset({"image.generate", "video.generate"}),
    first_poll=timedelta(seconds=10),
    pace=timedelta(seconds=10),
    submit_timeout=timedelta(seconds=60),
    results_live=timedelta(hours=1),  # of videos
)
BASE_URL = "https://visual.volcengineapi.com"
VERSION, REGION, SERVICE = "2022-08-31", "cn-north-1", "cv"
SUBMIT, QUERY = "CVSync2AsyncSubmitTask", "CVSync2AsyncGetResult"
CONTENT_TYPE = "application/json"
TIMEOUT_S = 15.0
NOBODYS = {"req_key": "jimeng_ti2v_v30_pro", "task_id": "1"}  # a task that there is not, to ask about for nothing

WELL = 10000
STATUS: dict[str, words.Meaning] = {"in_queue": Running, "generating": Running, "done": Finished, "expired": Failed}
# Of what was given: a picture, a text, words, and whose they are.
ERRORS: dict[int, type[UpstreamError]] = {
    50215: Invalid,
    50400: QuotaExceeded,  # the service is not opened for the account
    50411: Moderated,
    50412: Moderated,
    50413: Moderated,
    50429: RateLimited,
    50430: RateLimited,  # as many at once as may
    50500: Unavailable,
    50501: Unavailable,
    50511: Moderated,  # from here on of what was made
    50512: Moderated,
    50516: Moderated,
    50517: Moderated,
    50518: Moderated,
    50519: Moderated,
    50520: Unavailable,  # those that look at it failed themselves
    50521: Unavailable,
    50522: Unavailable,
}
ERRORS_OF_A_SUBMIT = ERRORS | {50500: OutcomeUnknown, 50501: OutcomeUnknown}

# A model as a route calls it → its req_key for a text, for a first frame, for a first and a last one.
VIDEOS: dict[str, dict[int, str]] = {
    "jimeng_ti2v_v30_pro": {0: "jimeng_ti2v_v30_pro", 1: "jimeng_ti2v_v30_pro"},
    "jimeng_v30": {0: "jimeng_t2v_v30", 1: "jimeng_i2v_first_v30", 2: "jimeng_i2v_first_tail_v30"},
    "jimeng_v30_1080p": {0: "jimeng_t2v_v30_1080p", 1: "jimeng_i2v_first_v30_1080", 2: "jimeng_i2v_first_tail_v30_1080"},
}
DRAWS_FROM_PICTURES = {"jimeng_t2i_v40": 10}
PICTURES = {"jimeng_t2i_v30", "jimeng_t2i_v31", *DRAWS_FROM_PICTURES}


class Adapter:
    FACTS = FACTS

    def __init__(self, upstream: Upstream) -> None:
        self._base, self._http = upstream.base_url.rstrip("/") or BASE_URL, upstream.http
        self._access_key, self._secret_key = upstream.credentials.get("access_key", ""), upstream.credentials.get("secret_key", "")

    async def submit(self, job: Job) -> Accepted | Finished:
        body = _written(job)
        data = _read(await self._ask(SUBMIT, body, timeout=FACTS.submit_timeout.total_seconds(), paid=True))
        if not (isinstance(data.get("task_id"), str) and data["task_id"]):
            raise OutcomeUnknown("Jimeng's answer names no task.")
        return Accepted({"req_key": body["req_key"], "task_id": data["task_id"]})

    async def poll(self, job: Job) -> Polled:
        handle = job.handle or {}
        is_picture = job.kind == "image.generate"
        more = {"req_json": orjson.dumps({"return_url": True}).decode()} if is_picture else {}  # or they come as base64
        reply = await self._ask(QUERY, {"req_key": handle["req_key"], "task_id": handle["task_id"], **more})
        try:
            return _polled(_read(reply), lives_until=datetime.now(UTC) + PICTURES_LIVE if is_picture else None)
        except Moderated as fault:
            return Failed(fault)  # the job's end, and not the question's

    async def cancel(self, job: Job) -> bool:
        return False

    async def check(self) -> None:
        with suppress(Refused, NotFound):  # then it read the question, and knew our keys
            _read(await self._ask(QUERY, NOBODYS))

    async def find(self, job: Job) -> Accepted | Finished | None:
        raise OutcomeUnknown("Jimeng keeps no list of tasks.")

    async def _ask(self, action: str, body: Mapping[str, Any], *, timeout: float = TIMEOUT_S, paid: bool = False) -> Reply:
        if not (self._access_key and self._secret_key):
            raise Unauthenticated("Jimeng needs an access_key and a secret_key.")
        content, query = orjson.dumps(body), f"Action={action}&Version={VERSION}"
        headers = signed(
            content,
            query=query,
            host=urlsplit(self._base).netloc,
            access_key=self._access_key,
            secret_key=self._secret_key,
            now=datetime.now(UTC),
        )
        return await self._http.request("POST", f"{self._base}/?{query}", headers=headers, data=content, timeout=timeout, paid=paid)


# How we write


def signed(body: bytes, *, query: str, host: str, access_key: str, secret_key: str, now: datetime) -> dict[str, str]:
    """The headers by which a request is ours; `query` is sorted and quoted already."""
    at, hashed = now.strftime("%Y%m%dT%H%M%SZ"), sha256(body).hexdigest()
    headers = {"Content-Type": CONTENT_TYPE, "Host": host, "X-Content-Sha256": hashed, "X-Date": at}
    lines, names = "".join(f"{name.lower()}:{value}\n" for name, value in headers.items()), ";".join(map(str.lower, headers))
    canonical = f"POST\n/\n{query}\n{lines}\n{names}\n{hashed}"
    scope = f"{at[:8]}/{REGION}/{SERVICE}/request"
    key = secret_key.encode()  # as it is, without a prefix
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, f"HMAC-SHA256\n{at}\n{scope}\n{sha256(canonical.encode()).hexdigest()}".encode(), "sha256").hex()
    credential = f"HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return headers | {"Authorization": credential}


def _written(job: Job) -> dict[str, Any]:
    return _picture(job) if job.kind == "image.generate" else _video(job)


def _video(job: Job) -> dict[str, Any]:
    frames = dialect.frames(job)
    req_key = _known(VIDEOS, job).get(len(frames))
    if req_key is None:
        raise Invalid(f"{job.model} takes no last frame.", field="frame_images")
    given = dialect.without(job.input, "frame_images")
    if frames and "aspect_ratio" in given:
        raise Invalid(f"{job.model} takes its aspect ratio from the first frame: leave it out.", field="aspect_ratio")
    pictures = {"image_urls": [frames[name] for name in ("first_frame", "last_frame") if name in frames]} if frames else {}
    return {"req_key": req_key, **dialect.written(job, given, VIDEO_FIELDS), **pictures}


def _picture(job: Job) -> dict[str, Any]:
    if job.model not in PICTURES:
        raise _unknown(job)
    given, most = job.input.get("images") or (), DRAWS_FROM_PICTURES.get(job.model, 0)
    if len(given) > most:
        raise Invalid(f"{job.model} takes {most or 'no'} pictures to draw from.", field="images")
    fields = dialect.written(job, dialect.without(job.input, "size", "images"), PICTURE_FIELDS)
    pictures = {"image_urls": dialect.urls(list(given))} if given else {}
    single = {"force_single": True} if most else {}  # or it makes as many as it likes
    return {"req_key": job.model, **fields, **_sides(job), **pictures, **single}


def _sides(job: Job) -> dict[str, int]:
    if "size" not in job.input:
        return {}
    width, _, height = job.input["size"].partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise Invalid(f"{job.model} takes a size as 1024x768.", field="size")
    return {"width": int(width), "height": int(height)}


def _known(models: Mapping[str, dict[int, str]], job: Job) -> dict[int, str]:
    if job.model not in models:
        raise _unknown(job)
    return models[job.model]


def _unknown(job: Job) -> Retired:
    return Retired(f"Jimeng has no {job.model!r} for {job.kind}, or none that we know.")


VIDEO_FIELDS: Fields = {
    "prompt": ("prompt", as_it_is),
    "duration": ("frames", {5: 121, 10: 241}.__getitem__),
    "aspect_ratio": ("aspect_ratio", as_it_is),
    "seed": ("seed", int),
}
PICTURE_FIELDS: Fields = {"prompt": ("prompt", as_it_is), "seed": ("seed", int)}


# How we read


def _read(reply: Reply) -> Mapping[str, Any]:
    """The data of an answer that says it is well; raises what any other means."""
    said = reply.json()
    match said:
        case {"code": code, "data": Mapping() as data} if code == WELL:
            return data
        case {"code": int(code), **more} if code != WELL:
            kind = (ERRORS_OF_A_SUBMIT if reply.paid else ERRORS).get(code)
            raise dialect.refusal(kind, reply, vendor="Jimeng", code=code, message=more.get("message"))
        case {"ResponseMetadata": {"Error": {"Code": str(code)}}} if 400 <= reply.status < 500:  # who we are was not believed
            kind = RateLimited if "FlowLimit" in code else Unauthenticated
            raise dialect.refusal(kind, reply, vendor="Jimeng", code=code, message=None)
    raise dialect.in_doubt(reply.paid)(f"Jimeng answered with status {reply.status}, and its answer cannot be read.")


def _polled(data: Mapping[str, Any], *, lives_until: datetime | None) -> Polled:
    if data.get("status") == "not_found":
        raise NotFound("Jimeng does not know this task, or not any more.")
    outcome = words.meaning(data.get("status"), STATUS, of="jimeng")
    if outcome is Running:
        return Running()
    if outcome is Failed:
        return Failed(GenerationFailed("The task expired at Jimeng."))
    outputs = tuple(Found(url=url, lives_until=lives_until) for url in _urls(data))
    return Finished(outputs) if outputs else Failed(NoOutput())


def _urls(data: Mapping[str, Any]) -> list[str]:
    urls = [data.get("video_url"), *(data.get("image_urls") or ())]
    return [url for url in urls if isinstance(url, str) and url]
