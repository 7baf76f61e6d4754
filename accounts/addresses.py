"""Where a request came from: the peer's address, or what the proxy in front of us says of its own peer."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def client_address(meta: Mapping[str, Any]) -> str:
    """The client's address by the request's META; "" where it is not known, as behind a socket without CLIENT_ADDRESS_HEADER."""
    header = settings.CLIENT_ADDRESS_HEADER
    if not header:
        return meta.get("REMOTE_ADDR", "")
    # Of several in X-Forwarded-For the last is what our proxy wrote; those before it came from the client, who may say anything.
    return meta.get(f"HTTP_{header.upper().replace('-', '_')}", "").rpartition(",")[2].strip()


def of_request(request: HttpRequest) -> str | None:
    """The same, as django-axes wants it."""
    return client_address(request.META) or None
