"""A call to one of Tencent Cloud's services, looked at in the order in which the cloud does: request, signature, action, parameters."""

import asyncio
import hmac
import json
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from . import rules, tc3
from .listener import Refusal
from .orders import Answer, Break
from .server import reset

SECRET_ID, SECRET_KEY = "AKIDsimulated0000000000000000000000", "simulated-secret-key"
GATEWAY = (502, 503, 504)  # answers of what stands in front of the cloud
LONGEST_BODY = 10 * 1024 * 1024
WRONG = {"unknown": "UnknownParameter", "missing": "MissingParameter", "invalid": "InvalidParameterValue"}

# Codes that every service may answer; all come as HTTP 200.
WHY = {
    "unauthenticated": "AuthFailure.SecretIdNotFound",
    "invalid": "InvalidParameterValue",
    "busy": "RequestLimitExceeded",
    "unavailable": "ServiceUnavailable",
    "no_model": "ActionOffline",
    "no_money": "ResourceInsufficient",
    "not_found": "ResourceNotFound",
}
CODES = {400: "InvalidRequest", 401: "AuthFailure", 403: "UnauthorizedOperation", 404: "ResourceNotFound", 429: "RequestLimitExceeded"}


@dataclass(frozen=True, slots=True)
class Cloud:
    """A service as its pages name it; `region` empty: it asks for none. `keys`: secrets by their ids."""

    service: str
    version: str
    actions: Collection[str]
    region: str = ""
    keys: Mapping[str, str] = field(default_factory=lambda: {SECRET_ID: SECRET_KEY}, repr=False)


async def read(request: web.BaseRequest, cloud: Cloud) -> tuple[str, dict[str, Any]]:
    """The action that is called, and its parameters; raises Refusal."""
    body, headers = await request.read(), {name.lower(): value for name, value in request.headers.items()}
    if (request.method, request.path, request.query_string) != ("POST", "/", ""):
        raise refuse("UnsupportedProtocol", "only POST / is spoken here")
    if headers.get("content-type") != "application/json" or not body:
        raise refuse("UnsupportedProtocol", f"no JSON under content type {headers.get('content-type')}")
    if len(body) > LONGEST_BODY:
        raise refuse("RequestSizeLimitExceeded", f"{len(body)} bytes")
    _check_signature(headers, body, cloud)
    action = headers.get("x-tc-action", "")
    if action not in cloud.actions:
        raise refuse("InvalidAction", f"The action `{action}` is not found.")
    if headers.get("x-tc-version") != cloud.version:
        raise refuse("NoSuchVersion", f"The version `{headers.get('x-tc-version')}` is not found.")
    if cloud.region and headers.get("x-tc-region") != cloud.region:
        raise refuse("UnsupportedRegion", f"there is nothing in `{headers.get('x-tc-region')}`")
    return action, _parsed(body)


def judge(given: Mapping[str, Any], parameters: rules.Rules, *, needs: tuple[str, ...] = ()) -> None:
    """Raises a Refusal in the cloud's words for what is missing, unknown or wrong."""
    try:
        rules.judge(given, parameters, needs=needs)
    except rules.Wrong as fault:
        raise refuse(WRONG[fault.why], f"The parameter `{fault.name}` is {fault.why}.") from None


def refuse(code: str, message: str) -> Refusal:
    return Refusal(200, code, message)


def write_refusal(refusal: Refusal) -> dict[str, Any]:
    return well({"Error": {"Code": refusal.code, "Message": refusal.message}})


def well(response: Mapping[str, Any]) -> dict[str, Any]:
    return {"Response": {**response, "RequestId": str(uuid.uuid4())}}


async def misbehave(
    request: web.BaseRequest,
    order: Answer | Break,
    *,
    codes: Mapping[int, str],
    refused: Callable[[Refusal], web.StreamResponse],
    whole: bytes,
) -> web.StreamResponse:
    """What is ordered instead of an answer. `codes`: the service's words for statuses.

    `refused`: how it refuses; `whole`: what is cut short.
    """
    match order:
        case Answer(status) if status in GATEWAY:
            return web.Response(status=status, text=f"<html><h1>{status}</h1></html>", content_type="text/html")
        case Answer(status, _, code):
            return refused(refuse(str(code or codes[status]), "as ordered"))
        case Break("hang"):
            await asyncio.Event().wait()
        case Break("garbage"):
            return web.Response(text="<html><h1>Welcome to nginx!</h1></html>", content_type="text/html")
        case Break("mid_json"):
            return web.Response(body=whole[:20], content_type="application/json")
    return reset(request)


def _check_signature(headers: Mapping[str, str], body: bytes, cloud: Cloud) -> None:
    timestamp = headers.get("x-tc-timestamp", "")
    if not timestamp.isdecimal() or abs(int(timestamp) - time.time()) > tc3.WINDOW_S:
        raise refuse("AuthFailure.SignatureExpire", "the timestamp is more than five minutes off")
    try:
        claim = tc3.claim(headers.get("authorization", ""))
    except tc3.Malformed as fault:
        raise refuse("AuthFailure.InvalidAuthorization", str(fault)) from None
    if claim.secret_id not in cloud.keys:
        raise refuse("AuthFailure.SecretIdNotFound", "there is no such key")
    expected = tc3.signature(cloud.keys[claim.secret_id], claim, timestamp=timestamp, headers=headers, body=body)
    if (claim.service, claim.date) != (cloud.service, tc3.date_of(timestamp)) or not hmac.compare_digest(expected, claim.signature):
        raise refuse("AuthFailure.SignatureFailure", "the signature is not that of this request")


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise refuse("InvalidParameter", "the body is no JSON object")
    return given
