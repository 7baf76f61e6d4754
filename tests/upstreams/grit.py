"""grit: a careless upstream. No token, nothing to find, nothing to cancel; error words instead of codes.

POST /generate {engine, text, width?, height?, length_s?, count?, start_from?}   → the job
GET  /jobs/{number}        GET /ping → {"ok": true}
job: {ok: true, job: number, state: pending | working | ready | error, percent, files: [url], why?, say?}
error: {ok: false, why: WORD, say: text, at?: field}; no free slot comes as HTTP 200 with why = BUSY
"""

from collections.abc import Mapping
from typing import Any

from .jobs import UpstreamJob
from .listener import Refusal
from .simulator import Simulator

FIELDS = {"engine": str, "text": str, "width": int, "height": int, "length_s": int, "count": int, "start_from": str}
WHY = {
    "invalid": (400, "BAD_FIELD"),
    "moderated": (400, "NOT_NICE"),
    "no_model": (404, "NO_ENGINE"),
    "not_found": (404, "NO_JOB"),
    "unauthenticated": (401, "WHO_ARE_YOU"),
    "busy": (200, "BUSY"),
    "no_money": (402, "PAY_FIRST"),
    "unavailable": (503, "CLOSED"),
}
CODES = {400: "BAD_FIELD", 401: "WHO_ARE_YOU", 402: "PAY_FIRST", 403: "WHO_ARE_YOU", 404: "NO_JOB", 429: "BUSY", 503: "CLOSED"}
ENDINGS = {"moderated": ("NOT_NICE", "we do not draw this"), "broken": ("OOPS", "it fell over")}


class Grit(Simulator):
    MODELS = frozenset({"grit-image", "grit-video"})

    def read_door(self, method: str, path: str, query: Mapping[str, str]) -> tuple[str, str]:
        match method, path.strip("/").split("/"):
            case "POST", ["generate"]:
                return "submit", ""
            case "GET", ["jobs", number]:
                return "poll", number
            case "GET", ["ping"]:
                return "check", ""
            case "GET", ["files", number, position] if position.isdecimal():
                return "result", f"{number}/{position}"
        raise self.refuse("not_found", f"there is no {method} {path}")

    def read_order(self, body: Mapping[str, Any]) -> tuple[str, str, int]:
        for name, value in body.items():
            if name not in FIELDS:
                raise self.refuse("invalid", f"what is {name}?", name)
            if type(value) is not FIELDS[name]:
                raise self.refuse("invalid", f"{name} is no {FIELDS[name].__name__}", name)
        if body.get("engine") not in self.MODELS:
            raise self.refuse("no_model", f"there is no engine {body.get('engine')}", "engine")
        if not body.get("text"):
            raise self.refuse("invalid", "there is no text", "text")
        return "", body["engine"], body.get("count", 1)

    def new_id(self, number: int) -> str:
        return str(number)

    def refuse(self, why: str, message: str, field: str = "") -> Refusal:
        return Refusal(*WHY[why], message, field)

    def code_for(self, status: int) -> str:
        return CODES.get(status, "OOPS")

    def write_refusal(self, refusal: Refusal) -> dict:
        said = {"ok": False, "why": refusal.code, "say": refusal.message}
        return said | ({"at": refusal.field} if refusal.field else {})

    def write_job(self, job: UpstreamJob, now: float) -> dict:
        shown = {"ok": True, "job": int(job.id), "state": "working", "percent": int(100 * job.progress(now)), "files": []}
        if not job.is_over(now):
            return shown
        if job.fate.error:
            why, say = ENDINGS[job.fate.error]
            return shown | {"state": "error", "why": why, "say": say}
        return shown | {"state": "ready", "percent": 100, "files": [f"{self.url}/files/{job.id}/{n}" for n in range(job.outputs)]}

    def write_status(self, body: dict, status: str) -> dict:
        return body | {"state": status, "files": []}

    def write_check(self) -> dict:
        return {"ok": True}
