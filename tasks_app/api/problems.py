"""Every refusal as application/problem+json (RFC 9457): the table of codes, and the one exception handler."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions

from accounts.sessions import CrossOrigin

from .. import context
from ..content import OutOfRange
from ..engine.accept import Problem
from ..storage import StorageAway
from .answer import Answer

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
# code: (status, title). The codes are for ever: programs compare them.
CODES = {
    "malformed_json": (400, "The body is not JSON"),
    "malformed_upload": (400, "The body is not a form with a file, or not all of it"),
    "unauthenticated": (401, "No valid API key"),
    "insufficient_credits": (402, "Not enough credits"),
    "forbidden_by_key": (403, "This API key may not do that"),
    "cross_origin": (403, "The request comes from a page of another site"),
    "account_disabled": (403, "The account is disabled"),
    "not_found": (404, "There is no such thing"),
    "method_not_allowed": (405, "The method is not allowed here"),
    "not_acceptable": (406, "There is no answer in a form that you take"),
    "not_cancelable": (409, "The task cannot be stopped any more"),
    "not_retryable": (409, "The task is not over"),
    "not_replayable": (409, "The delivery cannot be sent again"),
    "too_many_keys": (409, "The account has as many keys as it may have"),
    "too_many_endpoints": (409, "The account has as many endpoints as it may have"),
    "not_uploaded": (409, "The bytes of the upload are not there yet"),
    "not_deletable": (409, "It is still in use"),
    "length_required": (411, "The body's length is not told"),
    "too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body's type is not taken here"),
    "range_not_satisfiable": (416, "The range lies outside the content"),
    "invalid_request": (422, "The request is wrong"),
    "invalid_input": (422, "The input does not fit the model"),
    "idempotency_key_reused": (422, "The idempotency key belongs to another request"),
    "rate_limited": (429, "Too many requests"),
    "too_many_streams": (429, "The account has as many streams open as it may have"),
    "internal_error": (500, "Something broke on our side"),
    "unavailable": (503, "Not available now"),
}
# What REST framework, Django and tasks_app/content.py raise.
RAISED = (
    (exceptions.NotAuthenticated, "unauthenticated"),
    (exceptions.AuthenticationFailed, "unauthenticated"),
    (CrossOrigin, "cross_origin"),
    (exceptions.PermissionDenied, "forbidden_by_key"),  # by accounts.authentication
    (exceptions.ParseError, "malformed_json"),
    (exceptions.MethodNotAllowed, "method_not_allowed"),
    (exceptions.NotAcceptable, "not_acceptable"),
    (exceptions.UnsupportedMediaType, "unsupported_media_type"),
    (OutOfRange, "range_not_satisfiable"),
    (RequestDataTooBig, "too_large"),
    (SuspiciousOperation, "malformed_upload"),
)
RETRY_AFTER_S = 1


class RateLimited(Problem):
    """The key made all the requests that it may make in this minute, which ends in `reset_s` seconds."""

    def __init__(self, limit: int, reset_s: int):
        super().__init__(429, "rate_limited", f"This API key may make {limit} such requests a minute: try again in {reset_s} s.")
        self.headers = {"Retry-After": str(reset_s)}


def problem(code: str, detail: str, errors: Sequence[Mapping[str, str]] = ()) -> Problem:
    """The problem of this code, with the status that goes with it."""
    return Problem(CODES[code][0], code, detail, errors)


def invalid(faults: Iterable[tuple[str, str]]) -> Problem:
    """A problem that names each wrong field; `faults` are (field, message) pairs, the field "" for the body itself."""
    errors = [{"field": field, "message": message} for field, message in faults]
    return problem("invalid_request", "; ".join(f"{one['field']} {one['message']}".strip() for one in errors[:3]) + ".", errors)


def missing() -> Problem:
    """The same for what does not exist and for what is another account's."""
    return problem("not_found", "There is nothing here that is yours.")


def shown(refusal: Problem) -> dict:
    """The problem as JSON."""
    return {
        "type": f"urn:darkroom:problem:{refusal.code}",
        "title": CODES[refusal.code][1],
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "request_id": context.request_id.get() or None,
        "errors": refusal.errors,
    }


def handle(exc: Exception, _: dict) -> Answer:
    """REST framework's exception handler: whatever a view raised, as a problem."""
    refusal = judged(exc)
    return Answer(shown(refusal), refusal.status, headers=headers(exc, refusal), content_type=MEDIA_TYPE)


def judged(exc: Exception) -> Problem:
    """The problem that an exception means to the client; what nobody foresaw is a 500 that says nothing of its cause."""
    if isinstance(exc, Problem):
        return exc
    if isinstance(exc, Http404 | exceptions.NotFound):
        return missing()
    for raised, code in RAISED:
        if isinstance(exc, raised):
            return problem(code, str(getattr(exc, "detail", exc)) or CODES[code][1])
    return _ours(exc)


def headers(exc: Exception, refusal: Problem) -> Mapping[str, str]:
    """What an answer to it says besides."""
    if refusal.status == 401:
        return {"WWW-Authenticate": getattr(exc, "auth_header", "Bearer")}
    if refusal.status == 503:
        return {"Retry-After": str(RETRY_AFTER_S)}
    return getattr(exc, "headers", {})


def _ours(exc: Exception) -> Problem:
    if isinstance(exc, OperationalError | InterfaceError):
        log.error("the database did not answer", exc_info=exc)
        return problem("unavailable", "The database does not answer; try again.")
    if isinstance(exc, StorageAway):
        return problem("unavailable", "The storage does not answer; try again.")
    log.error("a request broke", exc_info=exc)
    return problem("internal_error", "The fault is recorded under this request_id; trying again may help.")
