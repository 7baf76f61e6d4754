"""tencent_vclm: Kling and Vidu jobs of Tencent Cloud's video creation (API 2024-05-23), as far as its pages tell.

SubmitTextToVideoJob, SubmitImageToVideoJob {Prompt, Model, Duration, …, CallbackUrl?, ExternalTaskId?} → {JobId}
SubmitTextToVideoViduJob, SubmitImageToVideoViduJob, SubmitReferenceToVideoViduJob {…, CallbackUrl?, Payload?} → {JobId}
Describe…Job {JobId} → {Status: WAIT | RUN | DONE | FAIL, ErrorCode, ErrorMessage, ResultVideoUrl, …}; each knows its own submit's jobs only

It calls CallbackUrl with the JobId beside what a describe says. `parallel`: how many may be open; None: any number. `echoes` False:
ExternalTaskId, which no page mentions, is not shown.
"""

import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from . import tc3_calls
from .jobs import UpstreamJob
from .listener import Refusal
from .rules import Rules, address, list_of, number, one_of, text, truth, whole
from .simulator import Simulator
from .tc3_calls import judge, refuse, well

WHY = tc3_calls.WHY | {
    "moderated": "FailedOperation.ModerationFailed",
    "no_money": "ResourcesSoldOut.ChargeStatusException",
    "not_found": "FailedOperation.JobNotFound",
    "parallel": "RequestLimitExceeded.JobNumExceed",
}
ENDINGS = {
    "moderated": ("FailedOperation.ModerationFailed", "the content was refused"),
    "broken": ("FailedOperation.InnerError", "the model could not finish"),
}
LOGO: Rules = {"LogoAdd": whole(0, 1), "CallbackUrl": address}
PICTURE: Rules = {"Url": address}
KLING: Rules = LOGO | {
    "Model": one_of("v1.6", "v2.0", "v2.5", "v2.6", "v3.0"),
    "Prompt": text(2500),
    "NegativePrompt": text(2500),
    "Duration": one_of(*map(str, range(3, 16))),
    "Mode": one_of("std", "pro"),
    "CfgScale": number(0, 1),
    "Sound": one_of("on", "off"),
    "MultiShot": truth,
    "ExternalTaskId": text(64),
}
VIDU: Rules = LOGO | {
    "Prompt": text(2000),
    "Duration": whole(1, 16),
    "Resolution": one_of("540p", "720p", "1080p"),
    "Bgm": truth,
    "Audio": truth,
    "OffPeak": truth,
    "Payload": text(1_048_576),
}
RATIO: Rules = {"AspectRatio": one_of("16:9", "9:16", "4:3", "3:4", "1:1")}
Q3 = ("viduq3-turbo", "viduq3-pro")
FIELDS: dict[str, Rules] = {
    "TextToVideoJob": KLING | {"AspectRatio": one_of("16:9", "9:16", "1:1")},
    "ImageToVideoJob": KLING | {"Image": PICTURE, "ImageTail": PICTURE},
    "TextToVideoViduJob": VIDU | RATIO | {"Model": one_of("viduq2", *Q3)},
    "ImageToVideoViduJob": VIDU | {"Model": one_of("viduq2-pro", "viduq2-turbo", *Q3), "Images": list_of(address, 1, 2)},
    "ReferenceToVideoViduJob": VIDU | RATIO | {"Model": one_of("viduq2"), "Images": list_of(address, 1, 7)},
}
NEEDS = {"ImageToVideoJob": ("Image",), "ImageToVideoViduJob": ("Images",), "ReferenceToVideoViduJob": ("Prompt", "Images")}
SHORT = {"v1.6", "v2.0", "v2.5", "v2.6"}  # 5 or 10 seconds
CLOUD = tc3_calls.Cloud("vclm", "2024-05-23", {f"{verb}{name}" for verb in ("Submit", "Describe") for name in FIELDS}, "ap-guangzhou")


class TencentVclm(Simulator):
    HONOURS_TOKEN = False

    def __init__(self, *, parallel: int | None = None, echoes: bool = True, **more: Any):
        super().__init__(**more)
        self.parallel, self.echoes = parallel, echoes
        self.orders: dict[str, Mapping[str, Any]] = {}  # by job id

    @property
    def credentials(self) -> dict[str, str]:
        return {"secret_id": tc3_calls.SECRET_ID, "secret_key": tc3_calls.SECRET_KEY}

    # What is asked

    async def door_of(self, request: web.BaseRequest) -> tuple[str, str]:
        if request.method == "GET" and request.path.startswith("/results/"):
            return "result", request.path.removeprefix("/results/")
        action, given = await tc3_calls.read(request, CLOUD)
        if action.startswith("Submit"):
            return "submit", ""
        judge(given, {"JobId": text(64)}, needs=("JobId",))
        id = given["JobId"]
        is_its = id in self.jobs and self.orders[id]["of"] == action.removeprefix("Describe")
        return ("poll", id) if is_its else ("check", "")

    def check_key(self, request: web.BaseRequest) -> None:
        """Looked at with the door: a signature is over the whole request."""

    def read_body(self, request: web.BaseRequest, body: dict[str, Any]) -> Mapping[str, Any]:
        return {"of": request.headers["X-TC-Action"].removeprefix("Submit"), "body": body}

    def address_of(self, ordered: Mapping[str, Any]) -> str:
        return ordered["body"].get("CallbackUrl", "")

    def read_order(self, ordered: Mapping[str, Any]) -> tuple[str, str, int]:
        name, body = ordered["of"], ordered["body"]
        if "Model" in body and not FIELDS[name]["Model"](body["Model"]):  # type: ignore[operator]
            raise refuse("InvalidParameterValue.InvalidModel", f"there is no model {body['Model']}")
        judge(body, FIELDS[name], needs=NEEDS.get(name, ("Prompt",)))
        model = body.get("Model", "viduq2")
        if model in SHORT and body.get("Duration", "5") not in ("5", "10"):
            raise refuse("InvalidParameterValue", f"{model} makes no {body['Duration']} seconds")
        if not model.startswith("viduq3") and (body.get("Audio") or (model.startswith("vidu") and body.get("Duration", 5) > 10)):
            raise refuse("InvalidParameterValue", f"{model} makes neither sound nor more than 10 seconds")
        if self.parallel is not None and sum(not job.is_over(time.time()) for job in self.jobs.values()) >= self.parallel:
            raise self.refuse("parallel", "as many jobs run as may")
        return "", model, 1

    # What is answered

    def _accept(self, ordered: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(ordered)
        self.orders[job.id], job.makes_video = ordered, True
        return job

    def write_check(self) -> dict:
        raise self.refuse("not_found", "there is no such job")

    def new_id(self, number: int) -> str:
        return f"13872622426{number:08}"

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return refuse(WHY[why], message)

    def code_for(self, status: int) -> str:
        return tc3_calls.CODES.get(status, "InternalError")

    def write_refusal(self, refusal: Refusal) -> dict:
        return tc3_calls.write_refusal(refusal)

    def write_taken(self, job: UpstreamJob, now: float) -> dict:
        return well({"JobId": job.id})

    def write_status(self, body: dict, status: str) -> dict:
        return well(body["Response"] | {"Status": status, "ResultVideoUrl": ""})

    def ringing(self, job: UpstreamJob) -> dict[str, Any]:
        return {"JobId": job.id, **self._shown(job, time.time())}

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        return well(self._shown(job, now))

    def _shown(self, job: UpstreamJob, now: float) -> dict[str, Any]:
        ordered = self.orders[job.id]["body"]
        shown = {"Status": "WAIT" if job.waits(now) else "RUN", "ErrorCode": "", "ErrorMessage": "", "ResultVideoUrl": ""}
        if "Payload" in ordered:
            shown["Payload"] = ordered["Payload"]
        if "ExternalTaskId" in ordered and self.echoes:
            shown["ExternalTaskId"] = ordered["ExternalTaskId"]
        if not job.is_over(now):
            return shown
        if job.fate.error:
            code, message = ENDINGS[job.fate.error]
            return shown | {"Status": "FAIL", "ErrorCode": code, "ErrorMessage": message}
        cost = {"Credits": 20.0} if self.orders[job.id]["of"].endswith("ViduJob") else {"FinalUnitDeduction": "1.5"}
        return shown | {"Status": "DONE", "ResultVideoUrl": f"{self.url}/results/{job.id}/0" if job.outputs else ""} | cost
