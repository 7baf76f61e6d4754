"""Links to our own content addresses that need no API key, for upstreams that fetch an input by themselves.

The signature covers which object it is and when it was made; it opens this one object and nothing else, for a day.
"""

from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner

from ..ids import shown

LIVES = timedelta(days=1)


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


def _signer() -> TimestampSigner:
    return TimestampSigner(salt="darkroom.content")
