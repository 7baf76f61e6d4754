"""tencent_vod: AIGC tasks of Tencent Cloud VOD (API 2018-07-17), as far as its pages tell.

CreateAigcVideoTask, CreateAigcImageTask {SubAppId, ModelName, ModelVersion, Prompt, …, SessionId?, SessionContext?} → {TaskId}
DescribeTaskDetail {SubAppId, TaskId} → {TaskType, Status: WAITING | PROCESSING | FINISH | ABORTED, AigcVideoTask: {…}}
DescribeTasks {SubAppId, CreateTime?, Limit?, ScrollToken?} → {TaskSet, ScrollToken}        ManageTask {SubAppId, TaskId, OperationType}

A SessionId that comes twice is refused, and what it was for is not told. Only a task that waits can be aborted. `parallel`: how many may
be open; None: any number. `lists_aigc` False: the list leaves AIGC tasks out, for no page says that it has them. `page`: how many it shows
at once, however many are asked for.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from . import tc3_calls
from .jobs import UpstreamJob
from .listener import Refusal
from .rules import address, anything, list_of, number, one_of, shaped, text, whole
from .simulator import Simulator
from .tc3_calls import judge, refuse, well

SUB_APP_ID = 1500000001
CREATES = {"CreateAigcVideoTask": "Video", "CreateAigcImageTask": "Image"}
CLOUD = tc3_calls.Cloud("vod", "2018-07-17", {*CREATES, "DescribeTaskDetail", "DescribeTasks", "ManageTask"})

WHY = tc3_calls.WHY | {
    "moderated": "InvalidParameter.VoilationContent",
    "no_money": "LimitExceeded",
    "no_app": "InvalidParameterValue.SubAppId",
    "seen": "InvalidParameterValue.SessionId",
    "too_late": "FailedOperation",
}
ENDINGS = {
    "moderated": ("ContentModerationFailed", "the content was refused"),
    "broken": ("ModelGenerateFailed", "the model could not finish"),
    "parallel": ("RequestLimitExceeded", "too many at once"),
}

VIDEOS = {
    "Kling": {"1.6", "2.0", "2.1", "2.5", "2.6", "O1", "3.0", "3.0-Omni", "3.0-turbo"},
    "Vidu": {"q2", "q2-pro", "q2-turbo", "q3", "q3-pro", "q3-turbo"},
    "Hailuo": {"02", "2.3", "2.3-fast", "H3"},
    "Hunyuan": {"1.5"},
    "GV": {"3.1", "3.1-fast", "3.1-lite"},
    "OS": {"2.0"},
}
PICTURES = {
    "OG": {"image2_low", "image2_medium", "image2_high"},
    "GG": {"2.5", "3.0", "3.1"},
    "Hunyuan": {"3.0"},
    "Vidu": {"q2"},
    "Kling": {"2.1", "3.0", "3.0-Omni", "O1"},
}
ON = one_of("Enabled", "Disabled")
RATIOS = one_of(*["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "4:5", "5:4", "1:4", "4:1", "1:8", "8:1"])
SHARED = {
    "SubAppId": whole(1, 10**10),
    "ModelName": text(64),
    "ModelVersion": text(64),
    "Prompt": text(1000),
    "NegativePrompt": text(1000),
    "EnhancePrompt": ON,
    "Seed": whole(-1, 2**32),
    "SessionId": lambda value: isinstance(value, str),
    "SessionContext": text(1000, least=0),
    "TasksPriority": whole(-10, 10),
    "InputRegion": one_of("Mainland", "Oversea", "OverseaUSWest"),
    "ExtInfo": text(5000),
}
STORED = {"StorageMode": one_of("Temporary", "Permanent"), "MediaName": text(64), "AspectRatio": RATIOS, "LogoAdd": ON}
FIELDS: dict[str, dict[str, Any]] = {
    "CreateAigcVideoTask": SHARED
    | {
        "FileInfos": list_of(
            shaped(
                {
                    "Type": one_of("Url"),
                    "Category": one_of("Image"),
                    "Url": address,
                    "Usage": one_of("FirstFrame", "LastFrame", "Reference"),
                },
                needs=("Type", "Url"),
            ),
            1,
            7,
        ),
        "OutputConfig": STORED | {"Duration": number(1, 15), "Resolution": text(10), "AudioGeneration": ON},
    },
    "CreateAigcImageTask": SHARED
    | {
        "FileInfos": list_of(
            shaped({"Type": one_of("Url"), "Url": address, "ReferenceType": one_of("mask")}, needs=("Type", "Url")), 1, 14
        ),
        "OutputConfig": STORED
        | {"Resolution": text(10), "OutputImageCount": whole(1, 9), "OutputFormat": one_of("png", "jpeg"), "PersonGeneration": anything},
    },
}
DURATIONS: dict[str, Any] = {"Kling": range(3, 16), "Hailuo": (6, 10), "Vidu": range(1, 11), "GV": (8,), "OS": (4, 8, 12)}
RESOLUTIONS: dict[str, set[str]] = {
    "Kling": {"720P", "1080P"},
    "Hailuo": {"768P", "1080P"},
    "Vidu": {"720P", "1080P"},
    "GV": {"720P", "1080P"},
    "OS": {"720P"},
}
SIZES: dict[str, set[str]] = {
    "Kling": {"1k", "2k", "4k"},
    "Vidu": {"1080p", "2K", "4K"},
    "OG": {"1K", "2K", "4K"},
    "GG": {"720P", "1K", "2K", "4K"},
}


class TencentVod(Simulator):
    def __init__(self, *, parallel: int | None = None, lists_aigc: bool = True, page: int = 100, **more: Any):
        super().__init__(**more)
        self.parallel, self.lists_aigc, self.page = parallel, lists_aigc, page
        self.orders: dict[str, Mapping[str, Any]] = {}  # by task id

    @property
    def credentials(self) -> dict[str, str]:
        return {"secret_id": tc3_calls.SECRET_ID, "secret_key": tc3_calls.SECRET_KEY, "sub_app_id": str(SUB_APP_ID)}

    # What is asked

    async def door_of(self, request: web.BaseRequest) -> tuple[str, str]:
        if request.method == "GET" and request.path.startswith("/results/"):
            return "result", request.path.removeprefix("/results/")
        action, given = await tc3_calls.read(request, CLOUD)
        if action in CREATES:
            return "submit", ""
        match action:
            case "DescribeTaskDetail":
                self._judge(given, {"TaskId": text(100)}, "TaskId")
                return "poll", given["TaskId"]
            case "ManageTask":
                self._judge(given, {"TaskId": text(100), "OperationType": one_of("Abort")}, "TaskId", "OperationType")
                return "cancel", given["TaskId"]
        times = {"After": _is_time, "Before": _is_time}
        self._judge(given, {"CreateTime": times, "Limit": whole(1, 100), "ScrollToken": text(100), "Status": text(20)})
        return ("find", json.dumps(given)) if "CreateTime" in given else ("check", "")

    def check_key(self, request: web.BaseRequest) -> None:
        """Looked at with the door: a signature is over the whole request."""

    def _judge(self, given: Mapping[str, Any], parameters: Mapping[str, Any], *needs: str) -> None:
        judge(given, {"SubAppId": SHARED["SubAppId"], **parameters}, needs=("SubAppId", *needs))
        if given["SubAppId"] != SUB_APP_ID:
            raise self.refuse("no_app", "there is no such application")

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"action": request.headers["X-TC-Action"], "body": body}

    def token_of(self, ordered: Mapping[str, Any]) -> str:
        return str(ordered["body"].get("SessionId", ""))

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        action, body, token = ordered["action"], ordered["body"], self.token_of(ordered)
        self._judge(body, FIELDS[action], "ModelName", "ModelVersion")
        maker, version = body["ModelName"], body["ModelVersion"]
        models = VIDEOS if action == "CreateAigcVideoTask" else PICTURES
        if version not in models.get(maker, ()):
            raise refuse("InvalidParameterValue", f"there is no {maker} {version}")
        if "Prompt" not in body and "FileInfos" not in body:
            raise refuse("MissingParameter", "The parameter `Prompt` is missing.")
        config = body.get("OutputConfig", {})
        (self._check_video if models is VIDEOS else self._check_picture)(maker, version, config, body)
        if len(token) > 50:
            raise refuse("InvalidParameterValue.SessionIdTooLong", "SessionId has more than 50 characters")
        if token in self._by_token:
            raise self.refuse("seen", "SessionId was used within three days")
        return token, f"{maker}/{version}", config.get("OutputImageCount", 1)

    def _check_video(self, maker: str, version: str, config: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        durations, resolutions = DURATIONS.get(maker, ()), RESOLUTIONS.get(maker, set())
        if version == "H3":
            durations, resolutions = range(4, 16), resolutions | {"2K", "4K"}
        if "Duration" in config and config["Duration"] not in durations:
            raise refuse("InvalidParameterValue", f"{maker} makes no {config['Duration']} seconds")
        if "Resolution" in config and config["Resolution"] not in resolutions:
            raise refuse("InvalidParameterValue", f"{maker} makes no {config['Resolution']}")
        usages = [one.get("Usage", "FirstFrame") for one in body.get("FileInfos", ())]
        if "LastFrame" in usages and "FirstFrame" not in usages:
            raise refuse("InvalidParameterValue", "a last frame needs a first one")

    def _check_picture(self, maker: str, version: str, config: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        if "Resolution" in config and config["Resolution"] not in SIZES.get(maker, set()):
            raise refuse("InvalidParameterValue", f"{maker} makes no {config['Resolution']}")
        if maker != "OG" and any("ReferenceType" in one for one in body.get("FileInfos", ())):
            raise refuse("InvalidParameterValue", f"{maker} takes no mask")

    # What is answered

    def _accept(self, ordered: Mapping[str, Any]) -> UpstreamJob:
        self._next_kind = CREATES[ordered["action"]]
        job = super()._accept(ordered)
        self.orders[job.id] = ordered["body"]
        job.makes_video = self._next_kind == "Video"
        is_full = self.parallel is not None and len(self._open()) > self.parallel
        if is_full:  # it is taken, and ends by itself
            job.fate, job.done_at = type(job.fate)(error="parallel"), time.time()
        return job

    def _open(self) -> list[UpstreamJob]:
        return [job for job in self.jobs.values() if not job.is_over(time.time())]

    def _find(self, about: str) -> dict:
        if not about.endswith("}") or not self.lists_aigc:
            return well({"TaskSet": [], "ScrollToken": ""})
        given = json.loads(about)
        window, start, limit = given["CreateTime"], int(given.get("ScrollToken", "0")), min(given.get("Limit", 10), self.page)
        made = [job for job in self.jobs.values() if window.get("After", "") <= _time(job.created_at) < window.get("Before", "9")]
        page = made[start : start + limit]
        more = str(start + limit) if len(made) > start + limit else ""
        return well({"TaskSet": [self._listed(job) for job in page], "ScrollToken": more})

    def _listed(self, job: UpstreamJob) -> dict[str, Any]:
        ordered = self.orders[job.id]
        return {
            "TaskId": job.id,
            "Status": self._status(job, time.time()),
            "TaskType": self._type(job),
            "CreateTime": _time(job.created_at),
            "SessionId": ordered.get("SessionId", ""),
            "SessionContext": ordered.get("SessionContext", ""),
        }

    def _cancel(self, id: str) -> dict:
        job = self._job(id)
        if self._status(job, time.time()) != "WAITING":
            raise self.refuse("too_late", f"task {id} does not wait")
        job.is_canceled, job.done_at = True, time.time()
        return well({})

    def _type(self, job: UpstreamJob) -> str:
        return f"Aigc{'Video' if job.makes_video else 'Image'}Task"

    def _status(self, job: UpstreamJob, now: float) -> str:
        if job.is_over(now):
            return "ABORTED" if job.is_canceled else "FINISH"
        return "WAITING" if job.waits(now) else "PROCESSING"

    def new_id(self, number: int) -> str:
        return f"251007502-Aigc{self._next_kind}-{number:016x}t"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return refuse(WHY[why], message)

    def code_for(self, status: int) -> str:
        return tc3_calls.CODES.get(status, "InternalError")

    def write_refusal(self, refusal: Refusal) -> dict:
        return tc3_calls.write_refusal(refusal)

    def write_check(self) -> dict:
        return well({"TaskSet": [self._listed(job) for job in list(self.jobs.values())[-1:]], "ScrollToken": ""})

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return well({"TaskId": job.id})

    def write_status(self, body: dict, status: str) -> dict:
        return well({**body["Response"], "Status": status})

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        ordered, over = self.orders[job.id], job.is_over(now)
        task: dict[str, Any] = {
            "TaskId": job.id,
            "Status": "FINISH" if over else "PROCESSING",  # it knows no more than these two
            "ErrCode": 0,
            "ErrCodeExt": "",
            "Message": "",
            "Progress": 100 if over else int(100 * job.progress(now)),
            "SessionId": ordered.get("SessionId", ""),
            "SessionContext": ordered.get("SessionContext", ""),
        }
        if over and job.fate.error:
            code, message = ENDINGS[job.fate.error]
            task |= {"ErrCode": 70000, "ErrCodeExt": code, "Message": message}
        elif over and not job.is_canceled:
            task["Output"] = {"FileInfos": [self._file(job, position) for position in range(job.outputs)]}
        told = {"TaskType": self._type(job), "Status": self._status(job, now), "CreateTime": _time(job.created_at)}
        return well(told | {self._type(job): task})

    def _file(self, job: UpstreamJob, position: int) -> dict[str, str]:
        kind = "mp4" if job.makes_video else "png"
        return {"StorageMode": "Temporary", "FileType": kind, "FileUrl": f"{self.url}/results/{job.id}/{position}", "FileId": ""}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_time(value: Any) -> bool:
    try:
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return False
    return True
