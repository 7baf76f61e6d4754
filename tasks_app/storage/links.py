"""Links to our own addresses that need no API key: for upstreams that fetch an input by themselves, and for clients that put one.

A signature covers which object it is and when it was made. It opens this one object and nothing else, to be read for a day; or this one
upload, for as long as its caller says.
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from ..ids import shown

LIVES = timedelta(days=1)
CONTENT, UPLOAD = "darkroom.content", "darkroom.upload"


def signed_url(kind: str, id: UUID) -> str:
    """The content address of a `file` or an `output` with a signature that holds from now on for a day."""
    name = shown(kind, id)
    signature = _signer().sign(name).removeprefix(f"{name}:")
    return f"{settings.PUBLIC_URL}/api/v1/{kind}s/{name}/content?" + urlencode({"signature": signature})


def is_signed(kind: str, id: UUID, signature: str) -> bool:
    """Whether the `signature` of a content address was made by us, for this object, within the last day."""
    try:
        _signer().unsign(f"{shown(kind, id)}:{signature}", max_age=LIVES)
    except BadSignature:
        return False
    return True


def upload_url(id: UUID) -> str:
    """The address at which the bytes of an upload are taken, with a signature that holds from now on."""
    name = shown("file", id)
    signature = _signer(UPLOAD).sign(name).removeprefix(f"{name}:")
    return f"{settings.PUBLIC_URL}/api/v1/uploads/{name}?" + urlencode({"signature": signature})


def opens_upload(id: UUID, signature: str, *, lives: timedelta) -> bool:
    """Whether the `signature` of an upload's address was made by us, for this upload, within this time."""
    try:
        _signer(UPLOAD).unsign(f"{shown('file', id)}:{signature}", max_age=lives)
    except BadSignature:
        return False
    return True


def _signer(salt: str = CONTENT) -> TimestampSigner:
    return TimestampSigner(salt=salt)
