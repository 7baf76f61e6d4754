"""Calls that manage functions, by Tencent's own SDK: they cost nothing, and each may be made again.

What the SDK makes of a failure is told apart here: refused by the cloud, never sent, or sent and unanswered.
"""

from typing import Any

import requests
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from urllib3.exceptions import MaxRetryError, NewConnectionError

from .account import Account
from .client import CloudError, Unreadable, response
from .signing import scf_client

GATEWAY, WIRE = "ServerNetworkError", "ClientNetworkError"


class Unreachable(Exception):
    """The cloud was not reached; nothing was sent."""


class Cut(Exception):
    """The call was sent, and no answer came."""


class Control:
    """The account's functions; any thread may use it."""

    def __init__(self, account: Account, *, timeouts: tuple[float, float] = (3.0, 60.0)):
        self.namespace = account.namespace
        self._client = scf_client(account, timeouts=timeouts)

    def call(self, action: str, **parameters: Any) -> dict[str, Any]:
        """The answer to an action; raises CloudError, Unreachable, Cut, Unreadable."""
        asked = {name: value for name, value in parameters.items() if value is not None}
        try:
            body = self._client.call_json(action, {"Namespace": self.namespace, **asked})
        except TencentCloudSDKException as error:
            fault: Exception = _judged(error)
        except (KeyError, ValueError) as error:  # an error without RequestId, or what is no JSON: neither is the cloud's
            fault = Unreadable(f"its answer is none of the cloud's ({type(error).__name__})")
        else:
            # Under a content type with anything behind it, the SDK takes an error for a success.
            return response(body)
        # Outside the handler: the SDK's errors know the request, signature and all.
        raise fault

    def found(self, action: str, **parameters: Any) -> dict[str, Any] | None:
        """As `call`; None where what is asked for is not there."""
        try:
            return self.call(action, **parameters)
        except CloudError as refusal:
            if refusal.code.partition(".")[0] == "ResourceNotFound":
                return None
            raise


def _judged(error: TencentCloudSDKException) -> Exception:
    """The one map from the SDK's errors: every failure of the wire is one code there, and its cause alone tells which."""
    if error.code == GATEWAY:
        return Unreadable("a gateway answered in place of the cloud")
    if error.code != WIRE:
        return CloudError(str(error.code), str(error.message))
    cause = error.__context__
    if isinstance(cause, requests.ConnectTimeout | requests.exceptions.SSLError) or _is_refused(cause):
        return Unreachable("the cloud cannot be reached")
    return Cut("the cloud gave no answer")


def _is_refused(cause: BaseException | None) -> bool:
    """Whether no connection was made at all: refused, or without a name."""
    inner = cause.args[0] if isinstance(cause, requests.ConnectionError) and cause.args else None
    return isinstance(inner, MaxRetryError) and isinstance(inner.reason, NewConnectionError)
