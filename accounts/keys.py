"""API keys: made once, shown once, kept as a SHA-256 digest, found by it, revoked at once.

A key carries 256 random bits, so its plain digest can neither be guessed nor reversed, and needs no salt. Nobody
compares keys: they are found by their digest in an index, and what the time of that tells is about the digest, from which
no key follows.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from . import key_cache, scopes
from .key_cache import KeyCache
from .models import Account, ApiKey
from .scopes import Scope

SHAPE = re.compile(r"dk_[A-Za-z0-9_-]{43}")
PREFIX_LENGTH = 11  # dk_ and 8 characters: enough to tell keys apart, and leaves 208 secret bits
STAMP_EVERY = timedelta(minutes=1)
SCOPE = ("read_only", "only_models", "only_networks", "credits_limit", "expires_at")
LIMITS = ("reads_per_minute", "writes_per_minute")
RESTRICTIONS = (*SCOPE, *LIMITS)  # the columns that say what a key may not do

# What _look_up reads.
COLUMNS = ("account_id", "id", "account__name", "last_used_at", *RESTRICTIONS, *(f"account__{name}" for name in LIMITS))


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the account and the key it asked with. DRF's `request.user`."""

    account_id: int
    key_id: int
    name: str  # the account's
    scope: Scope | None = None  # None: the key may do all that the account may
    reads_per_minute: int | None = None  # None: any number
    writes_per_minute: int | None = None

    is_authenticated = True


def make(
    account: Account, name: str, *, now: datetime, random: Callable[[int], str] = secrets.token_urlsafe, **restrictions: Any
) -> tuple[ApiKey, str]:
    """A new key of `account`: its row, and the key itself, which is to be shown and forgotten.

    `random` turns a number of bytes into that much randomness in urlsafe base64; `restrictions` are columns of RESTRICTIONS.
    """
    key = f"dk_{random(32)}"
    row = ApiKey.objects.create(account=account, name=name, prefix=key[:PREFIX_LENGTH], digest=digest(key), created_at=now, **restrictions)
    return row, key


def digest(key: str) -> str:
    """The key's SHA-256, in hex: all that is kept of it."""
    return hashlib.sha256(key.encode()).hexdigest()


def find(key: str, *, now: datetime, cache: KeyCache = key_cache.SHARED) -> Caller | None:
    """Whom the key belongs to; None where it is unknown, revoked or not a key at all."""
    if not SHAPE.fullmatch(key):
        return None
    known_as = digest(key)
    return cache.find(known_as, partial(_look_up, now, digest=known_as))


def find_by_id(key_id: int, *, now: datetime, cache: KeyCache = key_cache.SHARED) -> Caller | None:
    """Whom the key of this row belongs to; None where it is revoked. For who has shown the key before (sessions.py)."""
    return cache.find(f"#{key_id}", partial(_look_up, now, id=key_id))


def of_account(account_id: int) -> QuerySet[ApiKey]:
    """The account's keys that are not revoked, the newest first."""
    return ApiKey.objects.filter(account=account_id, revoked_at=None).order_by("-id")


def is_restricted(key_id: int) -> bool:
    """Whether the key may do less than its account: then it makes no keys either, which could do more."""
    row = ApiKey.objects.values(*RESTRICTIONS).get(id=key_id)
    return any(value is not False and value not in (None, "") for value in row.values())  # a budget of 0 is one


def revoke(api_key: ApiKey, *, now: datetime, cache: KeyCache = key_cache.SHARED) -> None:
    """End the key, as soon as the transaction commits. To revoke it again does no harm."""
    if ApiKey.objects.filter(id=api_key.id, revoked_at=None).update(revoked_at=now):
        api_key.revoked_at = now
    transaction.on_commit(cache.announce)


def restrict(api_key: ApiKey, *, cache: KeyCache = key_cache.SHARED, **restrictions: Any) -> None:
    """Set these columns of RESTRICTIONS; it holds in every process as soon as the transaction commits."""
    ApiKey.objects.filter(id=api_key.id).update(**restrictions)
    forget(cache=cache)


def forget(*, cache: KeyCache = key_cache.SHARED) -> None:
    """Make every process look each key up anew, as soon as the transaction commits: something that Caller carries has changed."""
    transaction.on_commit(cache.announce)


def _look_up(now: datetime, **which: Any) -> Caller | None:
    """The owner of `which` key, and a note that it was used."""
    row = ApiKey.objects.filter(**which, revoked_at=None).values(*COLUMNS).first()
    if row is None:
        return None
    if row["last_used_at"] is None or row["last_used_at"] <= now - STAMP_EVERY:
        _stamp(row["id"], now)
    scope = scopes.of(row["id"], **{name: row[name] for name in SCOPE})
    reads, writes = (row[f"account__{name}"] if row[name] is None else row[name] for name in LIMITS)
    return Caller(row["account_id"], row["id"], row["account__name"], scope, reads, writes)


def _stamp(key_id: int, now: datetime) -> None:
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - STAMP_EVERY)
    ApiKey.objects.filter(due, id=key_id).update(last_used_at=now)
