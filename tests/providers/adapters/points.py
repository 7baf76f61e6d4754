"""How many promises of the conformance suite each adapter keeps: `python -m tests.providers.adapters.points [VENDOR …]` tries them.

A test of conformance.py is a point, or as many as it has parameters. An adapter has those that one of its classes keeps; the rest are what
its protocol cannot do, or has no word for. What was found is written to docs/conformance.json, which docs/providers.md is made from;
nothing is where a promise was broken.
"""

import json
import sys
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest

from config.pages import CONFORMANCE
from providers.adapters import BUILT_IN

HERE = Path(__file__).parent
EVERY = "plasma"  # an upstream of our own, whose class has each promise as it is written
Promise = tuple[str, str, str]  # whose it is: a vendor's, and which of its classes'; and the test's name


class Count:
    """Of a session of pytest that runs the conformance classes of these vendors, and nothing else."""

    def __init__(self, vendors: Collection[str]) -> None:
        self._vendors, self._points = vendors, 0
        self._whose: dict[str, Promise] = {}  # by the test's id
        self._kept: Counter[Promise] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self._points = sum(_vendor(item) == EVERY for item in items)
        items[:] = [item for item in items if _vendor(item) in self._vendors]
        self._whose = {item.nodeid: (_vendor(item), item.cls.__name__, item.originalname) for item in items}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed and report.when == "call":
            self._kept[self._whose[report.nodeid]] += 1

    def added_to(self, record: dict) -> dict:
        """The record as it is now."""
        kept = {vendor: self._kept_by(vendor) for vendor in {vendor for vendor, _, _ in self._kept}}
        return {"points": self._points, "kept": dict(sorted((record["kept"] | kept).items()))}

    def _kept_by(self, vendor: str) -> int:
        """Of each test, as many as the class keeps that keeps most of them."""
        most: Counter[str] = Counter()
        for (whose, _, test), times in self._kept.items():
            most[test] = max(most[test], times if whose == vendor else 0)
        return most.total()


def _vendor(item: pytest.Item) -> str:
    """Whose promise it is: of a class of conformance.py, which needs Django's settings, and so is known here by what it has."""
    return getattr(item.cls, "VENDOR", "") if isinstance(item, pytest.Function) else ""


def main() -> int:
    asked_for = sys.argv[1:]
    record = json.loads(CONFORMANCE.read_text(encoding="utf-8")) if asked_for else {"kept": {}}
    count = Count(asked_for or BUILT_IN)
    ended = pytest.main(["-q", "-p", "no:cacheprovider", str(HERE)], plugins=[count])
    if ended == pytest.ExitCode.OK:
        CONFORMANCE.write_text(json.dumps(count.added_to(record), indent=2) + "\n", encoding="utf-8")
    return int(ended)


if __name__ == "__main__":
    sys.exit(main())
