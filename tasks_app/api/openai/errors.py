"""Every refusal as the official client reads it: `{"error": {message, type, param, code}}`, under OpenAI's statuses and words."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.accept import Problem
from .. import problems
from ..answer import Answer

INVALID = "invalid_request_error"
# Our code → status, type and code there; what is not listed keeps its own status and code, as an INVALID.
WORDS = {
    "unauthenticated": (401, INVALID, "invalid_api_key"),
    "insufficient_credits": (429, "insufficient_quota", "insufficient_quota"),
    "forbidden_by_key": (403, "permission_error", "forbidden_by_key"),
    "account_disabled": (403, "permission_error", "account_disabled"),
    "method_not_allowed": (405, INVALID, "method_not_supported"),
    "unsupported_media_type": (400, INVALID, "unsupported_content_type"),
    "idempotency_key_reused": (400, INVALID, "idempotency_key_reused"),
    "rate_limited": (429, "rate_limit_error", "rate_limit_exceeded"),
    "internal_error": (500, "server_error", "internal_error"),
    "unavailable": (503, "service_unavailable_error", "server_is_overloaded"),
}
FAILURES = {
    "moderation_blocked": (400, "image_generation_user_error"),
    "invalid_input": (400, INVALID),
    "canceled": (400, INVALID),
}
WRONG_FIELDS = ("invalid_request", "invalid_input")
# The client sends again what was answered 408, 409, 429 or 5xx. Only these may pass by themselves.
MAY_PASS = ("rate_limited", "internal_error", "unavailable")


class Failed(Problem):
    """A task ended without what it was to make. To send its request again would be answered with the same task."""

    def __init__(self, code: str, message: str, param: str | None):
        status, self.type = FAILURES.get(code, (500, "server_error"))
        super().__init__(status, code, message, [{"field": param, "message": message}] if param else ())


def wrong(param: str, message: str, *, code: str = "invalid_value", status: int = 400) -> Problem:
    """A refusal that names one parameter of the client's."""
    return Problem(status, code, message, [{"field": param, "message": message}])


def unknown(param: str, why: str) -> Problem:
    return wrong(param, f"Unknown parameter: '{param}'. {why}", code="unknown_parameter")


def missing(param: str) -> Problem:
    return wrong(param, f"Missing required parameter: '{param}'.", code="missing_required_parameter")


def no_model(name: Any, why: str) -> Problem:
    return wrong("model", f"The model {name!r} {why}; GET /v1/models lists what there is.", code="model_not_found", status=404)


def shown(refusal: Problem) -> tuple[int, dict]:
    """The status and the body of an answer."""
    status, type, code = _words(refusal)
    param = (refusal.errors[0]["field"] or None) if refusal.errors else None
    message = _sentence(refusal.errors) if refusal.code in WRONG_FIELDS and refusal.errors else refusal.detail
    return status, {"error": {"message": message, "type": type, "param": param, "code": code}}


def handle(exc: Exception, _: dict) -> Answer:
    """REST framework's exception handler, for /v1."""
    refusal = problems.judged(exc)
    status, body = shown(refusal)
    headers = dict(problems.headers(exc, refusal))
    if isinstance(refusal, Failed) or refusal.code not in MAY_PASS:
        headers["x-should-retry"] = "false"
    return Answer(body, status, headers=headers)


def _words(refusal: Problem) -> tuple[int, str, str]:
    if isinstance(refusal, Failed):
        return refusal.status, refusal.type, refusal.code
    if refusal.code in WRONG_FIELDS:
        return 400, INVALID, _code(refusal.errors)
    return WORDS.get(refusal.code, (refusal.status, INVALID, refusal.code))


def _code(errors: Sequence[Mapping[str, str]]) -> str:
    message = errors[0]["message"]
    if message.startswith("is not known here"):
        return "unknown_parameter"
    return "missing_required_parameter" if message == "is required" else "invalid_value"


def _sentence(errors: Sequence[Mapping[str, str]]) -> str:
    return "; ".join(f"{one['field']} {one['message']}".strip() for one in errors[:3]) + "."
