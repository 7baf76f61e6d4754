"""What a key may not do that its account may: other models, writes, other networks, more credits, anything after some day.

A key without restrictions has no Scope at all, so that it costs nothing to ask.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.core.exceptions import ValidationError
from django.db import connection

READS = ("GET", "HEAD")

# By hand, as in credits.py: the condition and the count are one statement, so that no two tasks spend the same credits.
DRAW = """
    UPDATE accounts_apikey SET credits_used = credits_used + %(amount)s
    WHERE id = %(id)s AND (credits_limit IS NULL OR credits_limit >= credits_used + %(amount)s)
"""
GIVE_BACK = "UPDATE accounts_apikey SET credits_used = credits_used - %(amount)s WHERE id = %(id)s"

Network = IPv4Network | IPv6Network


class ForbiddenByKey(Exception):
    """The account may do it, but not with this key; the text says what is not allowed."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A key's restrictions; what is empty or None restricts nothing."""

    key_id: int
    read_only: bool = False
    models: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()
    has_budget: bool = False
    expires_at: datetime | None = None

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and now >= self.expires_at

    def refuse_request(self, method: str, address: str) -> None:
        """Raises ForbiddenByKey where the key may not be used like this, or from there."""
        if self.read_only and method not in READS:
            raise ForbiddenByKey(f"This API key may only read: {method} is not allowed with it.")
        if self.networks and not _is_within(address, self.networks):
            raise ForbiddenByKey(f"This API key may not be used from the address {address or '(unknown)'}.")

    def refuse_model(self, model: str) -> None:
        """Raises ForbiddenByKey where the key may not make tasks of this model."""
        if self.models and model not in self.models:
            raise ForbiddenByKey(f"This API key may not use the model {model}, only {', '.join(sorted(self.models))}.")


def of(key_id: int, *, read_only: bool, only_models: str, only_networks: str, credits_limit: int | None, expires_at: datetime | None):
    """The Scope that a key's columns describe; None where they restrict nothing."""
    if not (read_only or only_models or only_networks or expires_at) and credits_limit is None:
        return None
    return Scope(key_id, read_only, frozenset(listed(only_models)), networks(only_networks), credits_limit is not None, expires_at)


def draw(scope: Scope, amount: int) -> None:
    """Count `amount` credits against the key's budget, within the transaction that holds them; raises ForbiddenByKey."""
    if not _execute(DRAW, scope.key_id, amount):
        raise ForbiddenByKey(f"This API key's budget of credits has not the {amount} left that this task needs.")


def give_back(amounts: Mapping[int, int]) -> None:
    """Uncount credits that were set aside and not spent: {key id: amount}, in ascending order so that none waits in a circle."""
    for key_id, amount in sorted(amounts.items()):
        _execute(GIVE_BACK, key_id, amount)


def listed(text: str) -> list[str]:
    """What stands in `text`, separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def networks(text: str) -> tuple[Network, ...]:
    """The networks in `text`; a lone address is a network of one. Raises ValueError."""
    return tuple(ip_network(word) for word in listed(text))


def validate_networks(text: str) -> None:
    """Raises ValidationError, for a form."""
    try:
        networks(text)
    except ValueError as fault:
        raise ValidationError(f"Networks: {fault}. Write them as 203.0.113.0/24, separated by commas.") from None


def _is_within(address: str, allowed: Iterable[Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False  # behind a proxy that was not declared, nobody knows where they come from
    found = getattr(found, "ipv4_mapped", None) or found  # a socket that listens on :: shows ::ffff:203.0.113.7
    return any(found in network for network in allowed)


def _execute(statement: str, key_id: int, amount: int) -> bool:
    """Whether it matched the key."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"id": key_id, "amount": amount})
        return cursor.rowcount == 1
