"""COS's request signature (q-sign-algorithm=sha1), written from its documentation and not from the SDK. Pure.

HttpString    method \\n decoded path \\n params \\n headers \\n      names in lower case, all percent-encoded, sorted
StringToSign  sha1 \\n key time \\n SHA1(HttpString) \\n
signature     HMAC(HMAC(secret key, key time), StringToSign), each in hexadecimal
"""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1
from urllib.parse import quote

FIELDS = ("q-sign-algorithm", "q-ak", "q-sign-time", "q-key-time", "q-header-list", "q-url-param-list", "q-signature")


class Malformed(Exception):
    """There is a signature, and it cannot be read."""


@dataclass(frozen=True)
class Claim:
    """What a request says of its signature; `headers` and `params` are the names that it covers, as they are signed."""

    secret_id: str
    key_time: str
    headers: tuple[str, ...]
    params: tuple[str, ...]
    signature: str

    def holds(self, now: float) -> bool:
        start, end = map(int, self.key_time.split(";"))
        return start <= now <= end


def claim(authorization: str, query: Mapping[str, str]) -> Claim | None:
    """The claim in the Authorization header, else in the URL; None where a request is not signed at all. Raises Malformed."""
    fields = dict(pair.partition("=")[::2] for pair in authorization.split("&")) if authorization else query
    if not any(name in fields for name in FIELDS):
        return None
    if missing := [name for name in FIELDS if name not in fields]:
        raise Malformed(f"{missing[0]} is missing")
    if fields["q-sign-algorithm"] != "sha1" or fields["q-sign-time"] != fields["q-key-time"]:
        raise Malformed("the algorithm is not sha1, or the two times differ")
    if not all(part.isdecimal() for part in fields["q-key-time"].split(";")) or fields["q-key-time"].count(";") != 1:
        raise Malformed("q-key-time is not start;end")
    headers, params = (tuple(filter(None, fields[name].split(";"))) for name in ("q-header-list", "q-url-param-list"))
    return Claim(fields["q-ak"], fields["q-key-time"], headers, params, fields["q-signature"])


def http_string(claim: Claim, method: str, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """What is signed of a request: of its `params` and `headers` those that the claim covers."""
    return "\n".join([method.lower(), path, _listed(params, claim.params), _listed(headers, claim.headers), ""])


def signature(secret_key: str, key_time: str, http_string: str) -> str:
    to_sign = f"sha1\n{key_time}\n{sha1(http_string.encode()).hexdigest()}\n"
    return _hmac(_hmac(secret_key, key_time), to_sign)


def _listed(values: Mapping[str, str], names: tuple[str, ...]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted(_encoded(values)) if name in names)


def _encoded(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield _quoted(name.lower()).lower(), _quoted(value)


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _hmac(key: str, text: str) -> str:
    return hmac.new(key.encode(), text.encode(), sha1).hexdigest()
