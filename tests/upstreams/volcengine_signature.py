"""Volcengine's request signature (HMAC-SHA256), written from its documentation. Pure.

canonical      POST \\n / \\n query \\n header:value \\n … \\n signed headers \\n SHA256(body)
string to sign HMAC-SHA256 \\n X-Date \\n date/region/service/request \\n SHA256(canonical)
signature      HMAC chain over key, date, region, service, request, string to sign
"""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[\w-]+)/(?P<service>\w+)/request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)
MUST_BE_SIGNED = {"content-type", "host", "x-content-sha256", "x-date"}
WINDOW = timedelta(minutes=15)


class Wrong(Exception):
    """The name of what is wrong with it, as the gateway calls it."""


def check(
    access_key: str, secret_key: str, scope: tuple[str, str], *, query: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> None:
    """Raises Wrong; `scope` is region and service, `headers` are by their names in lower case, `query` is as it was sent."""
    claim = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if claim is None:
        raise Wrong("InvalidAuthorization")
    if claim["key"] != access_key:
        raise Wrong("InvalidAccessKey")
    names = claim["headers"].split(";")
    if names != sorted(names) or not set(names) >= MUST_BE_SIGNED:
        raise Wrong("InvalidAuthorization")
    if abs(_time(headers.get("x-date", "")) - now) > WINDOW or headers["x-date"][:8] != claim["date"]:
        raise Wrong("InvalidTimestamp")
    hashed = sha256(body).hexdigest()
    if headers["x-content-sha256"] != hashed or (claim["region"], claim["service"]) != scope:
        raise Wrong("SignatureDoesNotMatch")
    lines = "\n".join(f"{name}:{headers[name].strip()}" for name in names)
    canonical = "\n".join(["POST", "/", "&".join(sorted(query.split("&"))), lines, "", claim["headers"], hashed])
    day = "/".join([claim["date"], *scope, "request"])
    to_sign = "\n".join(["HMAC-SHA256", headers["x-date"], day, sha256(canonical.encode()).hexdigest()])
    key = secret_key.encode()
    for part in (claim["date"], *scope, "request"):
        key = hmac.new(key, part.encode(), sha256).digest()
    if not hmac.compare_digest(hmac.new(key, to_sign.encode(), sha256).hexdigest(), claim["signature"]):
        raise Wrong("SignatureDoesNotMatch")


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise Wrong("InvalidTimestamp") from None
