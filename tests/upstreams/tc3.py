"""Tencent Cloud's request signature (TC3-HMAC-SHA256), written from its documentation and not from the SDK. Pure.

canonical      POST \\n / \\n \\n header:value \\n … \\n signed headers \\n SHA256(body)
string to sign TC3-HMAC-SHA256 \\n timestamp \\n date/service/tc3_request \\n SHA256(canonical)
signature      HMAC chain over TC3 + key, date, service, tc3_request, string to sign
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

ALGORITHM = "TC3-HMAC-SHA256"
AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<id>[^/,]+)/(?P<date>\d{{4}}-\d\d-\d\d)/(?P<service>[a-z]+)/tc3_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
MUST_BE_SIGNED = {"content-type", "host"}
WINDOW_S = 300


class Malformed(Exception):
    """There is no signature that could be checked."""


@dataclass(frozen=True)
class Claim:
    """What a request says of its signature."""

    secret_id: str
    date: str
    service: str
    headers: tuple[str, ...]
    signature: str


def claim(authorization: str) -> Claim:
    """Raises Malformed."""
    found = AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise Malformed("the Authorization header cannot be read")
    headers = tuple(found["headers"].split(";"))
    if list(headers) != sorted(headers) or not set(headers) >= MUST_BE_SIGNED:
        raise Malformed("content-type and host must be signed, in alphabetical order")
    return Claim(found["id"], found["date"], found["service"], headers, found["signature"])


def signature(secret_key: str, claim: Claim, *, timestamp: str, headers: Mapping[str, str], body: bytes) -> str:
    """What the signature must be; `headers` by their names in lower case."""
    signed = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in claim.headers)
    canonical = f"POST\n/\n\n{signed}\n{';'.join(claim.headers)}\n{sha256(body).hexdigest()}"
    to_sign = f"{ALGORITHM}\n{timestamp}\n{claim.date}/{claim.service}/tc3_request\n{sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (claim.date, claim.service, "tc3_request"):
        key = hmac.digest(key, part.encode(), sha256)
    return hmac.digest(key, to_sign.encode(), sha256).hex()


def date_of(timestamp: str) -> str:
    return datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
