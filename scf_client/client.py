"""Our functions on SCF: started, asked about and ended, over an HTTP client that is handed in.

`start` puts a run off (Invoke by Event, on functions made with asynchronous execution): it answers with the run's id, and the result
comes by the bucket. `run` waits for it (InvokeFunction). Both cost money, so nothing here sends them again; a second one with the same
token would be harmless all the same, because a function looks for its token's result first (functions/common/cloud.py).

Every answer of the cloud is HTTP 200, and the body alone tells: what is no such answer is for the HTTP client's owner to judge.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .account import ALIAS, Account, deployed_name
from .signing import CosSigner, ScfSigner, Signed

# An event may have 128 KB and a call that is waited for 6 MB; as JSON within JSON, the quotes of the first count twice in the second.
LONGEST_EVENT, LONGEST_CALL = 120_000, 3_000_000
ENDINGS = ("FINISHED", "FAILED", "ABORTED")


class Reply(Protocol):
    status: int
    body: bytes

    def json(self) -> Any: ...


class Http(Protocol):
    """What sends; its errors are its owner's own, and pass through here."""

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], data: bytes | None, timeout: float, paid: bool = False
    ) -> Any: ...


class CloudError(Exception):
    """The cloud refused a call, by this code; nothing was started."""

    def __init__(self, code: str, message: str):
        super().__init__(f"{code}: {message}")
        self.code = code


class Unreadable(Exception):
    """An answer that is none of the cloud's: whether the call was carried out cannot be told."""


class BucketAway(Exception):
    """The bucket did not do what was asked of it, so nothing was started."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run without an envelope of ours, by the platform's word; `status` is its code (430 raised, 433 time, 434 memory …), 0: none."""

    status: int
    message: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Execution:
    """What the platform knows of a run: RUNNING, FINISHED, FAILED or ABORTED."""

    state: str
    status: int


class Client:
    def __init__(self, account: Account, http: Http):
        self._account, self._http = account, http
        self._signer = ScfSigner(account)
        self.bucket = Bucket(account, http)

    async def start(self, function: str, event: Mapping[str, Any], *, timeout: float) -> str | Ended:
        """The id of a run that is put off; Ended where the platform had no room for it. Raises CloudError, Unreadable, BucketAway."""
        asked = self._asked(function) | {"InvocationType": "Event", "ClientContext": await self._text(event, LONGEST_EVENT)}
        result = (await self._call("Invoke", asked, timeout=timeout, paid=True)).get("Result")
        if not isinstance(result, dict):
            raise Unreadable("it names no run")
        if refusal := platform_error(result):
            return refusal
        if not result.get("FunctionRequestId"):
            raise Unreadable("it names no run")
        return str(result["FunctionRequestId"])

    async def run(self, function: str, event: Mapping[str, Any], *, timeout: float) -> dict[str, Any] | Ended:
        """The envelope of a run that is waited for; Ended where the platform has its say instead. Raises CloudError, Unreadable."""
        asked = self._asked(function) | {"Event": await self._text(event, LONGEST_CALL)}
        answer = await self._call("InvokeFunction", asked, timeout=timeout, paid=True)
        return _envelope(answer.get("Result"))

    async def execution(self, id: str, *, timeout: float) -> Execution | None:
        """What became of a run that was put off; None: the platform does not know it. Raises CloudError, Unreadable."""
        try:
            result = (await self._call("GetAsyncEventStatus", {"InvokeRequestId": id}, timeout=timeout)).get("Result")
        except CloudError as refusal:
            if refusal.code == "ResourceNotFound.AsyncEvent":
                return None
            raise
        if not isinstance(result, dict) or not isinstance(result.get("Status"), str):
            raise Unreadable("it names no status")
        return Execution(result["Status"], int(result.get("StatusCode") or 0))

    async def end(self, function: str, id: str, *, timeout: float) -> bool:
        """Kill a run; False: it is over, or nobody knows it. Raises CloudError, Unreadable."""
        about = {"FunctionName": deployed_name(function), "Namespace": self._account.namespace, "InvokeRequestId": id}
        try:
            await self._call("TerminateAsyncEvent", about, timeout=timeout)
        except CloudError as refusal:
            if refusal.code in ("ResourceNotFound.AsyncEvent", "FailedOperation.AsyncEventStatus"):
                return False
            raise
        return True

    async def states(self, *, timeout: float) -> dict[str, str]:
        """The state of each function of ours, by its name on SCF. Raises CloudError, Unreadable."""
        asked = {"Namespace": self._account.namespace, "SearchKey": deployed_name(""), "Limit": 100}
        found = (await self._call("ListFunctions", asked, timeout=timeout)).get("Functions")
        if not isinstance(found, list):
            raise Unreadable("it lists no functions")
        return {one["FunctionName"]: one["Status"] for one in found}

    def _asked(self, function: str) -> dict[str, str]:
        return {"FunctionName": deployed_name(function), "Namespace": self._account.namespace, "Qualifier": ALIAS}

    async def _text(self, event: Mapping[str, Any], longest: int) -> str:
        """The event as text; one that is longer goes by the bucket. In ASCII: half of a surrogate pair is the function's to refuse."""
        text = json.dumps(event, separators=(",", ":"))
        if len(text) <= longest:
            return text
        await self.bucket.put(self.bucket.order_key(event["token"]), text.encode(), timeout=20)
        return json.dumps({"token": event["token"], "kind": event["kind"], "ordered": True})

    async def _call(self, action: str, parameters: Mapping[str, Any], *, timeout: float, paid: bool = False) -> dict[str, Any]:
        reply = await sent(self._http, self._signer.signed(action, parameters), timeout=timeout, paid=paid)
        if reply.status != 200:  # a gateway's in front of the cloud
            raise Unreadable(f"status {reply.status}")
        return response(reply.json())


class Bucket:
    """The few small objects by which we and a function tell each other things."""

    def __init__(self, account: Account, http: Http):
        self._http, self._signer = http, CosSigner(account.bucket)
        self.link = self._signer.link

    @staticmethod
    def order_key(token: str) -> str:
        return f"functions/orders/{token}.json"

    async def result(self, token: str, *, timeout: float) -> dict[str, Any] | None:
        """The envelope that a function has left for a token; None: not yet. Raises BucketAway."""
        reply = await sent(self._http, self._signer.signed("GET", f"functions/results/{token}.json"), timeout=timeout)
        if reply.status == 404 and b"NoSuchKey" in reply.body:
            return None
        envelope = _object(reply).json()
        if not is_envelope(envelope):
            raise BucketAway("The result in the bucket is not one of ours.")
        return envelope

    async def progress(self, token: str, *, timeout: float) -> float | None:
        """How far a run says it has come, 0 to 1; None: it does not say."""
        reply = await sent(self._http, self._signer.signed("GET", f"functions/progress/{token}"), timeout=timeout)
        try:
            return min(max(float(reply.body), 0.0), 1.0) if reply.status == 200 else None
        except ValueError:
            return None

    async def put(self, key: str, content: bytes, *, timeout: float) -> None:
        """Returns when the bucket has the object; raises BucketAway."""
        _object(await sent(self._http, self._signer.signed("PUT", key, content), timeout=timeout))


async def sent(http: Http, request: Signed, *, timeout: float, paid: bool = False) -> Any:
    return await http.request(request.method, request.url, headers=request.headers, data=request.body or None, timeout=timeout, paid=paid)


def _object(reply: Any) -> Any:
    """The bucket's answer; raises BucketAway unless it went well."""
    # A proxy in the way, or a page in its place, does not know this header.
    if reply.status != 200 or "x-cos-request-id" not in reply.headers:
        raise BucketAway(f"The bucket answered with status {reply.status}.")
    return reply


def response(body: Any) -> dict[str, Any]:
    """What an answer says, whatever content type it came under; raises CloudError, Unreadable."""
    told = body.get("Response") if isinstance(body, dict) else None
    if not isinstance(told, dict):
        raise Unreadable("it is no answer of the cloud's")
    if isinstance(error := told.get("Error"), dict):
        raise CloudError(str(error.get("Code")), str(error.get("Message")))
    return told


def is_envelope(value: Any) -> bool:
    """Whether this is what a function of ours answers with (functions/__init__.py)."""
    if not isinstance(value, dict):
        return False
    return isinstance(value.get("outputs"), list) if value.get("ok") is True else isinstance(value.get("error"), dict)


def platform_error(result: Mapping[str, Any]) -> Ended | None:
    """The platform's own error object; it stands in RetMsg with some runtimes and in ErrMsg with others. None: there is none."""
    for name in ("RetMsg", "ErrMsg"):
        found = _json(result.get(name))
        if isinstance(found, dict) and ("errorCode" in found or "statusCode" in found):
            return Ended(int(found.get("statusCode") or 0), str(found.get("errorMessage") or ""))
    if result.get("ErrMsg"):
        return Ended(0, str(result["ErrMsg"]))
    return None


def _envelope(result: Any) -> dict[str, Any] | Ended:
    if not isinstance(result, dict):
        raise Unreadable("it has no result")
    # The return value is JSON within JSON. InvokeResult is not maintained, as the SDK says, so it decides nothing.
    if is_envelope(told := _json(result.get("RetMsg"))):
        return told
    return platform_error(result) or Ended(0, "no envelope")


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None
