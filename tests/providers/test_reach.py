"""What an expression can come to: never less than it does."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import metering, pricing, reach
from providers.reach import Range

from .conftest import SCHEMA
from .expressions import NUMBERS, inputs

USAGE = {"tokens": "4000", "seconds": "30"}
WIDE = metering.widened(SCHEMA, USAGE)
UNKNOWN = {"tokens": Range(0, 4000), "seconds": Range(0, 30)}


def parsed(text):
    return pricing.parsed(text, WIDE).body


def found(text, **names):
    return reach.of(parsed(text), {**UNKNOWN, "n": Range(2, 2), "resolution": ("720p",), **names})


def between(most):
    """Often at one of the ends, where faults are."""
    return st.sampled_from((0, most)) | st.floats(0, most) | st.integers(0, most)


class TestARange:
    @pytest.mark.parametrize(
        ("text", "low", "high"),
        [
            ("seconds + 1", 1, 31),
            ("n - seconds", -28, 2),
            ("-seconds * n", -60, 0),
            ("(seconds - 10) * (seconds - 10)", -200, 400),
            ("-seconds * -seconds", 0, 900),
            ("seconds / 4", 0, 7.5),
            ("seconds // 4", 0, 7),
            ("seconds % 4", 0, 4),
            ("n % 4", 2, 2),
            ("min(seconds, 3)", 0, 3),
            ("max(seconds, 3)", 3, 30),
            ("ceil(seconds / 4)", 0, 8),
            ("1 if seconds > 30 else 2", 2, 2),
            ("1 if seconds >= 30 else 2", 1, 2),
            ("1 if seconds == 31 else 2", 2, 2),
            ("1 if seconds != 31 else 2", 1, 1),
            ("1 if 0 <= seconds <= 30 else 2", 1, 1),
            ("1 if seconds > 2 and n > 2 else 2", 2, 2),
            ("1 if seconds > 2 or n == 2 else 2", 1, 1),
            ("1 if not n == 2 else 2", 2, 2),
            ('len("a" if seconds > 2 else "abc")', 1, 3),
            ('1 if ("720p" if seconds > 2 else "1080p") == resolution else 2', 1, 2),
        ],
    )
    def test_reaches_from_the_least_to_the_most(self, text, low, high):
        assert found(text) == Range(low, high)

    @given(text=NUMBERS, input=inputs(), tokens=between(4000), seconds=between(30))
    def test_holds_whatever_python_makes_of_it(self, text, input, tokens, seconds):
        tree, values = parsed(text), {**input, "tokens": tokens, "seconds": seconds}
        range = reach.of(tree, reach.known(input) | UNKNOWN)
        python = eval(compile(ast.Expression(tree), "", "eval"), {"__builtins__": {}, **pricing.FUNCTIONS}, values)  # noqa: S307 - made here
        assert range.low <= python <= range.high
        assert reach.of(tree, reach.known(values)) == Range(python, python)


class TestFolding:
    @given(text=NUMBERS, input=inputs(), tokens=between(4000), seconds=between(30))
    def test_leaves_usage_alone_and_means_the_same(self, text, input, tokens, seconds):
        folded = ast.unparse(reach.folded(parsed(text), reach.known(input) | UNKNOWN))
        values = {"tokens": tokens, "seconds": seconds}
        again = pricing.parsed(folded, metering.widened({}, USAGE)).body
        assert reach.of(again, reach.known(values)) == reach.of(parsed(text), reach.known({**input, **values}))
