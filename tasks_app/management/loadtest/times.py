"""Times of requests, counted in buckets as HdrHistogram has them: each 0.4 % of its time wide, so they are few, and nothing is averaged.

A dictionary of buckets is all that this takes. The package of that name has wheels for few machines, and brings two build tools along.
"""

from collections import Counter
from collections.abc import Mapping
from math import ceil

BITS = 9  # of a time that are kept: 1 part in 256


class Times:
    """Microseconds. A bucket is known by the longest time that falls into it."""

    def __init__(self, told: Mapping[str, int] | None = None):
        self._counts = Counter({int(us): count for us, count in (told or {}).items()})

    def add(self, us: int) -> None:
        width = max(0, us.bit_length() - BITS)
        self._counts[us | ((1 << width) - 1)] += 1

    def __add__(self, other: "Times") -> "Times":
        both = Times()
        both._counts = self._counts + other._counts
        return both

    @property
    def count(self) -> int:
        return self._counts.total()

    def at(self, *percentiles: float) -> list[int]:
        """For each, rising, the time that so many percent took no longer than; for 0, the shortest. All 0 where there are none."""
        found, seen, buckets = [], 0, iter(sorted(self._counts.items()))
        us = 0
        for percentile in percentiles:
            while seen < min(self.count, max(1, ceil(self.count * percentile / 100 - 1e-9))):
                us, count = next(buckets)
                seen += count
            found.append(us)
        return found

    @property
    def mean(self) -> float:
        return sum(us * count for us, count in self._counts.items()) / max(1, self.count)

    def told(self) -> dict[str, int]:
        """As JSON has it: bucket → count, the shortest first."""
        return {str(us): count for us, count in sorted(self._counts.items())}
