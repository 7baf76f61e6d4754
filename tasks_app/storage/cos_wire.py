"""Calls to COS by its own SDK, with the SDK's habits taken away.

Its retries are off: they sleep up to 6 s, do not know 429, and raise UnboundLocalError where the first try of a stream dies.
A call here is a function of the client that may be run again, for each one is idempotent: at most three tries, none begun
after PATIENCE_S. What is left of a failure is FileNotFoundError, Unwritable or Unreadable, and one line in the log.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import uniform
from time import monotonic, sleep
from typing import Any, TypeVar
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import requests
from qcloud_cos import CosClientError, CosConfig, CosS3Client, CosServiceError
from urllib3.exceptions import HTTPError

from .errors import StorageAway, Unreadable, Unwritable

log = logging.getLogger(__name__)
T = TypeVar("T")

TIMEOUTS = (3.0, 20.0)  # to connect, and between two signs of life; the first is also for each block that is sent
WAITS = (0.2, 0.8)  # before a second and a third try, each ± 50 %
PATIENCE_S = 15.0
CONNECTIONS = 32  # kept open; the SDK's own session keeps 10 and drops the rest

MISSING = {"NoSuchKey", "NoSuchResource"}  # the second is the SDK's word for a HEAD that found nothing
# Of what is a client's fault by its status, this passes: the request took too long to come in.
PASSING = {"RequestTimeout", "RequestTimeOut"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and who we are there. `domain`: where signed links lead instead.

    `endpoint`: where it is spoken to instead; `sts_endpoint`: where STS is.
    """

    name: str
    region: str
    secret_id: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    endpoint: str = ""
    domain: str = ""
    sts_endpoint: str = ""


class Garbled(Exception):
    """An answer that COS cannot have given, or bytes that are not those that it names."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a try failed; `status` 0: there was no answer that could be read."""

    what: str
    status: int = 0
    code: str = ""
    request_id: str = ""

    @property
    def passes(self) -> bool:
        # 200 with an error in it is what a failed joining of parts looks like.
        return self.status in (0, 200, 429) or self.status >= 500 or self.code in PASSING


class Wire:
    """The one client of a process for `bucket`; any thread may use it. Not to be carried over a fork."""

    def __init__(self, bucket: Bucket, *, timeouts: tuple[float, float] = TIMEOUTS, waits: Sequence[float] = WAITS):
        self.bucket, self._timeouts, self._waits = bucket, timeouts, waits
        self._session = _session()
        self._client = CosS3Client(_config(bucket, timeouts), retry=0, session=self._session)
        self._signer = self._signer_of(bucket)

    def __repr__(self) -> str:
        return f"Wire({self.bucket!r})"

    def write(self, about: str, call: Callable[[CosS3Client], T], *, again: bool = True) -> T:
        """`call`'s answer, tried `again` where a fault passes; `about` is the key, for the log. Raises FileNotFoundError and Unwritable."""
        return self._run(about, call, Unwritable, self._waits if again else ())

    def read(self, about: str, call: Callable[[CosS3Client], T]) -> T:
        """As `write`; raises FileNotFoundError and Unreadable."""
        return self._run(about, call, Unreadable, self._waits)

    def link(
        self,
        key: str,
        *,
        method: str,
        seconds: int,
        by: Bucket | None = None,
        says: Mapping[str, str] = {},
        headers: Mapping[str, str] = {},
    ) -> str:
        """A link for others: `by` that bucket's key, or ours. `says`: query parameters; `headers`: those that it holds only with."""
        bucket, signer = (by, self._signer_of(by)) if by else (self.bucket, self._signer)
        # The SDK leaves the token of a temporary key out of its links.
        params = {name: value for name, value in (*says.items(), ("x-cos-security-token", bucket.token)) if value}
        link = signer.get_presigned_url(bucket.name, key, method, Expired=seconds, Params=params, Headers=dict(headers))
        return link.replace("+", "%20")  # the SDK writes spaces as forms do; a true plus sign is %2B already

    def _signer_of(self, bucket: Bucket) -> CosS3Client:
        # It leads to the domain that the operator gives others, whatever we speak to ourselves.
        return CosS3Client(_config(bucket, self._timeouts, domain=bucket.domain), retry=0, session=self._session)

    def _run(self, about: str, call: Callable[[CosS3Client], T], failure: type[StorageAway], waits: Sequence[float]) -> T:
        gives_up_at = monotonic() + PATIENCE_S
        for wait in (*waits, None):
            try:
                return call(self._client)
            except (CosServiceError, CosClientError, HTTPError, ParseError, Garbled) as error:
                fault = judged(error)
            if wait is None or not fault.passes or monotonic() > gives_up_at:
                break
            sleep(wait * uniform(0.5, 1.5))
        # Outside the handler: the library's errors know our headers, and would travel along as the context.
        if fault.code in MISSING:
            raise FileNotFoundError(f"there is no {about}")
        # What does not pass, as a key that may not write, waits for the operator.
        level = logging.WARNING if fault.passes else logging.ERROR
        log.log(level, "%s: %s", about, fault.what, extra={"cos_request_id": fault.request_id} if fault.request_id else None)
        raise failure(f"the storage cannot {'write' if failure is Unwritable else 'read'}: {fault.what}")


def judged(error: Exception) -> Fault:
    """The one map from the SDK's errors, and its libraries', to what they mean."""
    if isinstance(error, CosServiceError):
        status, told = error.get_status_code(), error.get_digest_msg()
        code, request_id = (str(told.get(name) or "") for name in ("code", "requestid")) if isinstance(told, dict) else ("", "")
        return Fault(f"COS answered {status} {code}".strip(), status, code, request_id)
    cause = error.__context__ if isinstance(error, CosClientError) else error
    if isinstance(cause, requests.ConnectTimeout):
        return Fault("COS could not be reached in time")
    if isinstance(cause, requests.Timeout):
        return Fault("COS did not answer in time")
    if isinstance(cause, Garbled | ParseError):
        return Fault(f"COS's answer cannot be used: {cause}")
    return Fault("the connection to COS broke")


def _config(bucket: Bucket, timeouts: tuple[float, float], *, domain: str = "") -> CosConfig:
    parts = urlsplit(bucket.endpoint)
    # By address and port, the SDK still sends and signs the bucket's true host.
    place: dict[str, Any] = {"IP": parts.hostname, "Port": parts.port, "Scheme": parts.scheme} if bucket.endpoint and not domain else {}
    return CosConfig(
        Region=bucket.region,
        SecretId=bucket.secret_id,
        SecretKey=bucket.secret_key,
        Token=bucket.token or None,
        Timeout=timeouts,
        Domain=domain or None,
        **place,
    )


def _refuse_others(response: requests.Response, **_: Any) -> None:
    """Raise Garbled for what the SDK would take for success: a redirect, or a page of something that sits in the way."""
    if "x-cos-request-id" not in response.headers or 300 <= response.status_code < 400:
        response.close()
        raise Garbled("it is a redirect, or not from COS at all")


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy and no .netrc that a variable of the machine names
    session.headers["Accept-Encoding"] = "identity"  # bytes as they are stored
    session.hooks["response"].append(_refuse_others)
    for scheme in ("http://", "https://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=CONNECTIONS))
    return session
