"""The seed of a card: the client's own, or one that follows from the run's token, so that a repeat draws the same."""

from collections.abc import Mapping
from typing import Any
from zlib import crc32

SEEDS = 2**32


def of(token: str, input: Mapping[str, Any], place: int = 0) -> int:
    """The seed of the picture at `place`, 0 up."""
    return (input.get("seed", crc32(token.encode())) + place) % SEEDS
