"""Callback addresses: where an upstream tells that one of our jobs has news. Each serves one provider and one attempt.

    {HOOKS_URL}/hooks/{provider}/{secret}/{token}

The secret is derived from a sealing key, the provider's name and the token: none is kept anywhere, and who learns one can wake one
job with it and nothing else. A new sealing key makes new addresses; those made with a former key hold while it stays in SEALING_KEYS.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from django.conf import settings
from django.utils.crypto import constant_time_compare

PATH = "/hooks/"
SECRET_BYTES = 16


def address(provider: str, token: str) -> str:
    """Where the upstream is to call about this attempt; empty where HOOKS_URL is, for then it could not reach us."""
    return (
        f"{settings.HOOKS_URL}{PATH}{provider}/{_secret(settings.SEALING_KEYS[0], provider, token)}/{token}" if settings.HOOKS_URL else ""
    )


def secret_in(address: str) -> str:
    """The part of an address that nobody else may read."""
    return address.split("/")[-2]


def is_ours(provider: str, secret: str, token: str) -> bool:
    """Whether we made the address that these stand in. Asks no database, so that strangers cost next to nothing."""
    return any(constant_time_compare(secret, _secret(key, provider, token)) for key in settings.SEALING_KEYS)


def _secret(key: str, provider: str, token: str) -> str:
    # None of the three parts of a path holds a slash, so no two addresses share a text.
    derived = hmac.digest(urlsafe_b64decode(key), f"darkroom.hooks/{provider}/{token}".encode(), "sha256")
    return urlsafe_b64encode(derived[:SECRET_BYTES]).decode().rstrip("=")
