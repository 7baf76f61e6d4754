"""The record of what the adapters kept is of this suite, and of all who are held against it."""

import json
from math import prod

import pytest

from config.pages import CONFORMANCE
from providers.adapters import BUILT_IN

from .conformance import Conformance
from .tried import classes

HINT = "run: python -m tests.providers.adapters.points, then make format"


@pytest.fixture(scope="module")
def record() -> dict:
    return json.loads(CONFORMANCE.read_text(encoding="utf-8"))


def promises() -> int:
    """How many there are: each test, or as many as it has parameters."""
    return sum(times(value) for name, value in vars(Conformance).items() if name.startswith("test_"))


def times(test) -> int:
    return prod(len(mark.args[1]) for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize")


class TestTheRecord:
    def test_names_each_adapter_that_is_tried(self, record):
        assert record["kept"].keys() == {one.VENDOR for one in classes()} & BUILT_IN.keys(), HINT

    def test_counts_every_promise(self, record):
        assert record["points"] == promises(), HINT
