"""Temporary keys by Tencent's STS, each for putting one object into the bucket and for nothing else.

A link to put by is not signed by our own key: the headers of its PUT are its sender's, and one of them asks the bucket to copy any
object that the key may read. A key from here may read none, write none but this one, and ends with its link.

It is asked by the general client of Tencent's SDK, with the SDK's habits taken away: no retryer (the standard one repeats a call that
went well, then fails) and no region breaker (it swallows the error). What is left of a failure is NoLink, and one line in the log.
"""

import json
import logging
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from .cos_wire import Bucket
from .errors import NoLink

log = logging.getLogger(__name__)

SERVICE, VERSION, ACTION = "sts", "2018-08-13", "GetFederationToken"
HOST = "sts.tencentcloudapi.com"
NAME = "darkroom"  # whom a key is for, in the cloud's own records; letters only
TIMEOUTS = (3.0, 5.0)  # to connect, and between two signs of life: a client waits meanwhile
PATIENCE_S = 2.0  # what failed sooner is tried once more, since it costs nothing
SPARE_S = 60  # that a key outlives its link, whose clock is ours

WIRE, GATEWAY = "ClientNetworkError", "ServerNetworkError"  # the SDK's own words, for what is no answer of STS
PASSING = {"RequestLimitExceeded", "InternalError", "ServiceUnavailable", "ResourceUnavailable"}  # before any dot
OVER_LIMIT = "InvalidParameter.OverLimit"  # STS's other word for too many calls


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a try failed, and whether another may succeed."""

    what: str
    passes: bool
    request_id: str = ""


class Sts:
    """Any thread may use it. Not to be carried over a fork."""

    def __init__(self, bucket: Bucket, *, timeouts: tuple[float, float] = TIMEOUTS):
        self._bucket = bucket
        self._client = CommonClient(
            SERVICE, VERSION, Credential(bucket.secret_id, bucket.secret_key), bucket.region, _profile(bucket, timeouts)
        )

    def to_put(self, key: str, *, seconds: int) -> Bucket:
        """The bucket, by a key that may put `key` for so long and do nothing else. Raises NoLink."""
        asked = {"Name": NAME, "Policy": quote(_policy(self._bucket, key), safe=""), "DurationSeconds": seconds + SPARE_S}
        given = self._answer(key, asked)
        return replace(self._bucket, secret_id=given["TmpSecretId"], secret_key=given["TmpSecretKey"], token=given["Token"])

    def _answer(self, about: str, asked: dict[str, Any]) -> dict[str, str]:
        gives_up_at = monotonic() + PATIENCE_S
        for is_last in (False, True):
            try:
                return _credentials(self._client.call_json(ACTION, asked))
            except (TencentCloudSDKException, LookupError, TypeError, ValueError, AttributeError) as error:
                fault = judged(error)
            if is_last or not fault.passes or monotonic() > gives_up_at:
                break
        # Outside the handler: the SDK's errors know the request, signature and all, and would travel along as the context.
        # What does not pass, as a right that is missing, waits for the operator.
        level = logging.WARNING if fault.passes else logging.ERROR
        log.log(level, "%s: %s", about, fault.what, extra={"sts_request_id": fault.request_id} if fault.request_id else None)
        raise NoLink(f"the storage can give no link: {fault.what}")


def judged(error: Exception) -> Fault:
    """The one map from the SDK's errors to what they mean; what is no error of its own is an answer that STS cannot have given."""
    if not isinstance(error, TencentCloudSDKException) or error.code == GATEWAY:
        return Fault("what answered is not STS", True)
    if error.code == WIRE:
        is_late = isinstance(error.__context__, requests.Timeout)
        return Fault("STS did not answer in time" if is_late else "the connection to STS broke", True)
    return _refused(str(error.code), str(error.requestId or ""))


def _refused(code: str, request_id: str) -> Fault:
    # The cloud has one code for a key without the right for all services, and another for STS.
    missing = ": the key needs name/sts:GetFederationToken" if "UnauthorizedOperation" in code else ""
    return Fault(f"STS answered {code}{missing}", code == OVER_LIMIT or code.partition(".")[0] in PASSING, request_id)


def _credentials(answer: Any) -> dict[str, str]:
    """What a good answer gives out; raises as the SDK does, or LookupError, TypeError, ValueError or AttributeError where it is none."""
    told = answer["Response"]
    if error := told.get("Error"):  # under a content type with anything behind it, the SDK takes an error for a success
        raise TencentCloudSDKException(error["Code"], "", told.get("RequestId"))
    given = told["Credentials"]
    if not all(isinstance(given[name], str) and given[name] for name in ("TmpSecretId", "TmpSecretKey", "Token")):
        raise ValueError("a part is empty")
    return given


def _policy(bucket: Bucket, key: str) -> str:
    appid = bucket.name.rpartition("-")[2]
    resource = f"qcs::cos:{bucket.region}:uid/{appid}:{bucket.name}/{key}"
    statement = {"effect": "allow", "action": ["name/cos:PutObject"], "resource": [resource]}
    return json.dumps({"version": "2.0", "statement": [statement]}, separators=(",", ":"))


def _profile(bucket: Bucket, timeouts: tuple[float, float]) -> ClientProfile:
    parts = urlsplit(bucket.sts_endpoint or f"https://{HOST}")
    http = HttpProfile(protocol=parts.scheme, endpoint=parts.netloc, reqTimeout=timeouts)
    return ClientProfile(httpProfile=http, language="en-US", disable_region_breaker=True, retryer=None)
