"""A value that each process loads now and then and keeps for a few seconds, so that hot paths ask no database. No Django."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

AGE_S = 5.0  # after this long every process has seen a change


class Snapshot(Generic[T]):
    """`load` gets the last value (None at first), so that it can keep what has not changed; a value is kept for `age_s`.

    Threads that find it old at the same moment each load it: they get equal values, and none waits for another.
    """

    def __init__(self, load: Callable[[T | None], T], *, age_s: float = AGE_S):
        self._load, self._age_s = load, age_s
        self._kept: tuple[T, float] | None = None

    def get(self, *, now: float | None = None) -> T:
        """The value, at most so old by the monotonic clock `now`; raises what `load` raises."""
        now = time.monotonic() if now is None else now
        kept = self._kept
        if kept is not None and now < kept[1] + self._age_s:
            return kept[0]
        value = self._load(kept[0] if kept else None)
        self._kept = value, now
        return value

    def forget(self) -> None:
        """Load afresh on the next `get`."""
        self._kept = None
