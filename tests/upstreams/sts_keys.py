"""Temporary keys as STS gives them out. What one may do, and until when, is written in its token: the bucket needs no list. Pure."""

import base64
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

SEAL, SEED = b"the cloud's own, for tokens", b"the cloud's own, for keys"
PREFIX = "AKIDtemporary"


@dataclass(frozen=True)
class Key:
    """`allows`: pairs of an action and a resource that ends in "*" where it stands for many."""

    id: str
    allows: tuple[tuple[str, str], ...]
    expires_at: int
    secret: str = field(repr=False)
    token: str = field(repr=False)


def issued(allows: Sequence[tuple[str, str]], *, expires_at: int) -> Key:
    """A key that no other one is like."""
    id = f"{PREFIX}{secrets.token_hex(8)}"
    body = json.dumps({"id": id, "allows": allows, "expires_at": expires_at}).encode()
    return Key(id, tuple(allows), expires_at, secret_of(id), base64.b64encode(_seal(body) + body).decode())


def read(id: str, token: str) -> Key | None:
    """The key with this id, by its token; None where the token is another one's, or none at all."""
    try:
        raw = base64.b64decode(token, validate=True)
    except ValueError:
        return None
    seal, body = raw[:32], raw[32:]
    if not hmac.compare_digest(seal, _seal(body)):
        return None
    told = json.loads(body)
    key = Key(told["id"], tuple((action, resource) for action, resource in told["allows"]), told["expires_at"], secret_of(id), token)
    return key if key.id == id else None


def secret_of(id: str) -> str:
    return hmac.digest(SEED, id.encode(), sha256).hex()


def _seal(body: bytes) -> bytes:
    return hmac.digest(SEAL, body, sha256)
