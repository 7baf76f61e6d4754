"""A person's session in a browser: a signed cookie that says by which key they signed in, and until when. The key itself is not in it.

The cookie opens the whole API (authentication.py), so that the pictures, videos and event streams of a page need nothing else. It may do
what its key may do, and no longer: a key that is revoked ends its sessions at once, in every process. No script can read the cookie, and
no other site has it sent. Neighbours on this host's other ports could, so what changes something must also come from a page of ours.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpResponse
from rest_framework.exceptions import PermissionDenied

from . import keys
from .keys import Caller

LASTS = timedelta(days=7)
SALT = "accounts.sessions"


class CrossOrigin(PermissionDenied):
    """A page that is not ours would change something in the name of whoever looks at it."""

    default_detail = "A browser's session is taken from pages of this server only: open the studio here, or send an API key instead."


def name() -> str:
    """The cookie's. By https it is one that no sibling of this host can set."""
    return "__Host-studio" if settings.SESSION_COOKIE_SECURE else "studio"


def begin(response: HttpResponse, caller: Caller, *, now: datetime) -> datetime:
    """Give the browser a session of the caller's key; returns when it ends."""
    ends_at = now + LASTS
    cookie = signing.dumps([caller.key_id, int(ends_at.timestamp())], salt=SALT)
    response.set_cookie(name(), cookie, max_age=LASTS, httponly=True, samesite="Strict", secure=settings.SESSION_COOKIE_SECURE)
    return ends_at


def end(response: HttpResponse) -> None:
    """Have the browser forget its session."""
    response.set_cookie(name(), "", max_age=0, httponly=True, samesite="Strict", secure=settings.SESSION_COOKIE_SECURE)


def find(cookies: Mapping[str, str], *, now: datetime) -> Caller | None:
    """Whose session is among these cookies; None where there is none, it has ended, its key is revoked, or nobody here signed it."""
    cookie = cookies.get(name())
    if cookie is None:
        return None
    try:
        key_id, ends_at = signing.loads(cookie, salt=SALT)
    except signing.BadSignature:
        return None
    return keys.find_by_id(key_id, now=now) if now.timestamp() < ends_at else None


def refuse_other_pages(meta: Mapping[str, Any]) -> None:
    """Raises CrossOrigin unless the browser says that a page of ours sent the request."""
    if not _is_ours(meta.get("HTTP_SEC_FETCH_SITE"), meta.get("HTTP_ORIGIN", ""), meta.get("HTTP_HOST")):
        raise CrossOrigin


def _is_ours(site: str | None, origin: str, host: str | None) -> bool:
    if site is not None:
        return site == "same-origin"
    # By plain http browsers tell no site, unless it is this machine's. Which scheme a proxy was asked by, nobody tells us.
    asked_by = urlsplit(origin).netloc
    return bool(asked_by) and asked_by in (host, urlsplit(settings.PUBLIC_URL).netloc)
