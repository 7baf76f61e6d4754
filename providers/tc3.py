"""Tencent Cloud's API 3.0, as its generators share it (vod, vclm): TC3-HMAC-SHA256, one envelope, common codes. No Django.

POST / of a service's host, the action in a header. Success and failure are both HTTP 200, and only the envelope tells them apart; any
other status is a gateway's and says nothing about the job. Read in November 2026.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import orjson
from tencentcloud.common.sign import Sign

from . import dialect
from .adapters import Upstream
from .errors import (
    Invalid,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Retired,
    Unauthenticated,
    Unavailable,
    UpstreamError,
)
from .http import Reply

ALGORITHM, CONTENT_TYPE = "TC3-HMAC-SHA256", "application/json"
TIMEOUT_S = 15.0

Errors = Mapping[str, type[UpstreamError]]

# What every service may answer. A code stands for itself and for all that it is the beginning of: `AuthFailure.SignatureFailure`.
ERRORS: Errors = {
    "AuthFailure": Unauthenticated,
    "UnauthorizedOperation": Unauthenticated,
    "IpInBlacklist": Unauthenticated,
    "IpNotInWhitelist": Unauthenticated,
    "InvalidParameter": Invalid,
    "InvalidParameterValue": Invalid,
    "MissingParameter": Invalid,
    "UnknownParameter": Invalid,
    "InvalidRequest": Invalid,
    "UnsupportedOperation": Invalid,
    "UnsupportedProtocol": Invalid,
    "UnsupportedRegion": Invalid,
    "RequestSizeLimitExceeded": Invalid,
    "ResponseSizeLimitExceeded": Invalid,
    "DryRunOperation": Invalid,
    "ActionOffline": Retired,  # what an action, a version or a product answers that was taken away
    "InvalidAction": Retired,
    "NoSuchProduct": Retired,
    "NoSuchVersion": Retired,
    "RequestLimitExceeded": RateLimited,
    "LimitExceeded": QuotaExceeded,
    "ResourceInsufficient": QuotaExceeded,
    "ResourceInUse": RateLimited,
    "InternalError": Unavailable,
    "ServiceUnavailable": Unavailable,
    "FailedOperation": Unavailable,
    "ResourceUnavailable": Unavailable,
    "ResourceNotFound": NotFound,
}
# A refused submit makes no job, but for what says no more than that something went wrong behind the door.
ERRORS_OF_A_SUBMIT: Errors = {**ERRORS, "InternalError": OutcomeUnknown, "FailedOperation": OutcomeUnknown, "ResourceNotFound": Retired}


class Service:
    """One of the services, with our keys: signs, sends by our own client, reads the envelope.

    The SDK would do all three, but whatever goes wrong on its wire is one error, never sent or long since accepted.
    """

    def __init__(self, upstream: Upstream, name: str, version: str, errors: Errors, errors_of_a_submit: Errors, *, region: str = ""):
        self._name, self._version, self._region, self._http = name, version, region, upstream.http
        self._url = upstream.base_url.rstrip("/") or f"https://{name}.tencentcloudapi.com"
        self._secret_id, self._secret_key = upstream.credentials.get("secret_id", ""), upstream.credentials.get("secret_key", "")
        self._errors = {False: errors, True: errors_of_a_submit}

    async def ask(self, action: str, parameters: Mapping[str, Any], *, timeout: float = TIMEOUT_S, paid: bool = False) -> Mapping[str, Any]:
        """The response to an action; raises what any other answer means."""
        if not (self._secret_id and self._secret_key):
            raise Unauthenticated("Tencent needs a secret_id and a secret_key.")
        body, now = orjson.dumps(parameters), int(time.time())
        headers = self._headers(action, now) | {"Authorization": self._authorization(body, now)}
        reply = await self._http.request("POST", f"{self._url}/", headers=headers, data=body, timeout=timeout, paid=paid)
        return _read(reply, self._errors[paid])

    def _headers(self, action: str, now: int) -> dict[str, str]:
        about = {"X-TC-Action": action, "X-TC-Version": self._version, "X-TC-Timestamp": str(now), "X-TC-Language": "en-US"}
        region = {"X-TC-Region": self._region} if self._region else {}
        return {"Content-Type": CONTENT_TYPE, "Host": self._host} | about | region

    def _authorization(self, body: bytes, now: int) -> str:
        return authorization(body, service=self._name, host=self._host, secret_id=self._secret_id, secret_key=self._secret_key, now=now)

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc


def authorization(body: bytes, *, service: str, host: str, secret_id: str, secret_key: str, now: int) -> str:
    """The header by which a body is ours, for five minutes around `now`."""
    day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    signed, scope = "content-type;host", f"{day}/{service}/tc3_request"
    canonical = f"POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host.lower()}\n\n{signed}\n{sha256(body).hexdigest()}"
    to_sign = f"{ALGORITHM}\n{now}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
    signature = Sign.sign_tc3(secret_key, day, service, to_sign)
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={signed}, Signature={signature}"


def kind_of(code: str, errors: Errors) -> type[UpstreamError] | None:
    """By the whole code, or else by what stands before its dot."""
    return errors.get(code) or errors.get(code.partition(".")[0])


def _read(reply: Reply, errors: Errors) -> Mapping[str, Any]:
    said = reply.json()
    if reply.status == 200:
        match said:
            case {"Response": {"Error": {"Code": str(code), **more}}}:
                raise dialect.refusal(kind_of(code, errors), reply, vendor="Tencent", code=code, message=more.get("Message"))
            case {"Response": {"RequestId": str()} as response}:
                return response
    raise dialect.in_doubt(reply.paid)("Tencent's answer cannot be read.")
