"""Secrets sealed at rest: with the newest of SEALING_KEYS, opened with any of them, so that a key can be replaced."""

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class Unreadable(Exception):
    """What was sealed is not there, or none of SEALING_KEYS opens it; the text names it, never a secret."""


def seal(secrets: Mapping[str, str]) -> str:
    """Names and secrets, encrypted with the newest sealing key."""
    return _box().encrypt(json.dumps(dict(secrets)).encode()).decode()


def unseal(sealed: str, *, of: str) -> dict[str, str]:
    """The secrets by name; raises Unreadable that says whose they are (`of`)."""
    try:
        return json.loads(_box().decrypt(sealed))
    except InvalidToken:
        pass
    # Outside the handler, so that no error of the library travels along as the context.
    raise Unreadable(f"no key in SEALING_KEYS opens {of}")


def reseal(sealed: str, *, of: str) -> str:
    """The same secrets under the newest sealing key; raises Unreadable as `unseal` does."""
    try:
        return _box().rotate(sealed.encode()).decode()
    except InvalidToken:
        pass
    raise Unreadable(f"no key in SEALING_KEYS opens {of}")


def _box() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.SEALING_KEYS])
