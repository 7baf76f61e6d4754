"""Task ids: a UUIDv7 in the database, `task_` and 26 characters of Crockford base32 outside.

UUIDv7 (RFC 9562 §5.7) sorts by time, so new rows go to the end of the primary key. The base32 form sorts alike.
"""

import re
from datetime import UTC, datetime
from uuid import UUID

import uuid_utils
from django.core.exceptions import ValidationError
from django.db import models

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford: no i, l, o, u
PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
TRIPLES = [pair + third for pair in PAIRS for third in ALPHABET]  # 2 MB; with pairs alone an id takes 1.7 times as long
SIXTY_BITS = (1 << 60) - 1
SHAPE = re.compile(f"[0-7][{ALPHABET}]{{25}}")
DIGITS = str.maketrans(ALPHABET, "0123456789abcdefghijklmnopqrstuv")  # as int() reads base 32


def new() -> UUID:
    """A fresh UUIDv7."""
    return UUID(bytes=fresh())


def fresh() -> bytes:
    """The same, where only its bytes are wanted."""
    return uuid_utils.uuid7().bytes


def shown(prefix: str, id: UUID | bytes) -> str:
    """`prefix_` and the id in base32: shown("task", id) → "task_01jz…"."""
    number = id.int if isinstance(id, UUID) else int.from_bytes(id)
    high, low = number >> 60 & SIXTY_BITS, number & SIXTY_BITS  # an int beyond 60 bits is slow to shift
    # Written out, for a list of tasks shows 40 ids.
    return (
        f"{prefix}_{PAIRS[number >> 120]}"
        f"{TRIPLES[high >> 45]}{TRIPLES[high >> 30 & 32767]}{TRIPLES[high >> 15 & 32767]}{TRIPLES[high & 32767]}"
        f"{TRIPLES[low >> 45]}{TRIPLES[low >> 30 & 32767]}{TRIPLES[low >> 15 & 32767]}{TRIPLES[low & 32767]}"
    )


def parse(prefix: str, text: str) -> UUID | None:
    """The id in `text`, or None where it is not one of this prefix."""
    head, _, tail = text.partition("_")
    return UUID(int=int(tail.translate(DIGITS), 32)) if head == prefix and SHAPE.fullmatch(tail) else None


def first_of(moment: datetime) -> UUID:
    """The least UUIDv7 of a moment, of 1970 at the earliest: ids sort by time, so the primary key finds what is older or newer."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def moment_of(id: UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


class Uuid7Field(models.Field):
    """16 bytes on every database, in time order: MySQL has no uuid type, and MariaDB's swaps bytes before 10.11.5."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("default", new)
        kwargs.setdefault("editable", False)
        super().__init__(*args, **kwargs)

    def db_type(self, connection):
        return "binary(16)" if connection.vendor == "mysql" else "blob"

    def get_db_prep_value(self, value, connection, prepared=False):
        value = self.to_python(value)
        return value.bytes if value is not None else None

    def from_db_value(self, value, expression, connection):
        return UUID(bytes=bytes(value)) if value is not None else None

    def to_python(self, value):
        if value is None or isinstance(value, UUID):
            return value
        if isinstance(value, bytes | memoryview):
            return UUID(bytes=bytes(value))
        try:
            return UUID(str(value))
        except ValueError:
            raise ValidationError(f"{value!r} is not a UUID") from None


class ExactCharField(models.CharField):
    """Text that is equal only to the letter: the server's own collation takes `k-a` and `K-A` for the same key."""

    def db_type(self, connection):
        plain = super().db_type(connection)
        return f"{plain} COLLATE utf8mb4_bin" if connection.vendor == "mysql" else plain
