"""Prices that rest on usage: what is held, what the terms are, and what is captured once the upstream has told."""

import math
import re
from contextlib import suppress

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from providers import metering, pricing
from providers.metering import Bill, Terms

from .conftest import SCHEMA
from .expressions import DURATIONS, NUMBERS, inputs

INPUT = {"prompt": "a cat", "n": 2, "duration": 5, "resolution": "1080p", "generate_audio": True, "images": ["file_1", "file_2"]}
BOUNDS = {"tokens": "4000 * n", "seconds": "duration"}
JUNK = st.none() | st.booleans() | st.text(max_size=3) | st.floats() | st.integers() | st.just(10**400)


def agreed(price, usage=BOUNDS, **changes):
    return metering.compiled(price, usage, SCHEMA)({**INPUT, **changes})


def agreed_or_passed_over(price, input):
    with suppress(ValueError):  # it may come to more than anybody has
        return metering.compiled(price, BOUNDS, SCHEMA)(input)
    return reject()


class TestAtAccept:
    @pytest.mark.parametrize(
        ("price", "hold", "terms"),
        [
            ("0.002 * tokens", 16, "0.002 * tokens"),
            ("2 * duration * n + 0.002 * tokens", 36, "20 + 0.002 * tokens"),
            ('n * seconds * (3 if resolution == "1080p" else 2)', 30, "2 * seconds * 3"),
            ("max(seconds, len(images) + 1)", 5, "max(seconds, 3)"),
            ("seconds if generate_audio else tokens", 5, "seconds"),
            ("2 * seconds if seconds <= 3 else 3 * seconds", 15, "2 * seconds if seconds <= 3 else 3 * seconds"),
        ],
    )
    def test_what_is_known_is_worked_out_and_the_most_of_the_rest_is_held(self, price, hold, terms):
        found, left = agreed(price)
        assert (found, left.price) == (hold, terms)

    def test_a_price_that_falls_with_usage_is_held_at_its_highest(self):
        assert agreed("10 - seconds")[0] == 10

    def test_only_the_usage_that_counts_is_agreed_on(self):
        assert agreed("seconds if generate_audio else tokens")[1].up_to == {"seconds": 5}
        assert agreed("7 + n if n == 2 else tokens")[1].up_to == {}

    def test_a_bound_is_never_below_nothing(self):
        assert agreed("3 + seconds", {"seconds": "n - 10"})[0] == 3

    @pytest.mark.parametrize(
        ("price", "bound"), [("tokens * tokens", "1000000"), ("tokens", "duration * 1e300 * 1e300"), ("tokens", "1e16")]
    )
    def test_what_could_come_to_more_than_anybody_has_is_refused(self, price, bound):
        with pytest.raises(ValueError, match="more than"):
            agreed(price, {"tokens": bound})


class TestAtTheEnd:
    TERMS = Terms("20 + 0.01 * tokens", {"tokens": 4000})

    @pytest.mark.parametrize(("tokens", "credits"), [(0, 20), (1, 21), (150, 22), (151.0, 22), (4000, 60)])
    def test_what_was_used_is_paid(self, tokens, credits):
        assert metering.bill(self.TERMS, {"tokens": tokens, "others": 7}) == Bill(credits)

    @pytest.mark.parametrize("told", [None, "many", True, -1, math.nan, math.inf, [1], 10**400])
    def test_where_nothing_usable_was_told_the_bound_counts_and_the_operator_hears_of_it(self, told):
        bill = metering.bill(self.TERMS, {} if told is None else {"tokens": told})
        assert bill.credits == 60
        assert re.search("`tokens` was (not told|told as).*bound of 4,000 counts", *bill.doubts)

    def test_more_than_the_bound_counts_as_the_bound_and_the_operator_hears_of_it(self):
        bill = metering.bill(self.TERMS, {"tokens": 4001})
        assert bill == Bill(60, ("`tokens` was told as 4,001, and no more than its bound of 4,000 counts.",))

    @pytest.mark.parametrize("price", ["20 + tokens(", "20 + gone", "open('x')"])
    def test_terms_that_nobody_can_work_out_any_more_take_all_that_is_held(self, price):
        bill = metering.bill(Terms(price, {"tokens": 4000}), {"tokens": 1})
        assert bill.credits == pricing.MOST
        assert "so all that is held counts" in bill.doubts[0]


class TestWhateverThePriceAndTheUsage:
    @given(price=NUMBERS, input=inputs(), tokens=JUNK | st.floats(0, 9000), seconds=JUNK | st.sampled_from((0, 30)) | DURATIONS)
    def test_what_is_captured_is_never_above_the_hold(self, price, input, tokens, seconds):
        hold, terms = agreed_or_passed_over(price, input)
        assert 0 <= metering.bill(terms, {"tokens": tokens, "seconds": seconds}).credits <= hold
        assert 0 <= metering.bill(terms, {}).credits <= hold

    @given(price=NUMBERS, input=inputs(), tokens=st.integers(0, 4000) | st.floats(0, 4000), share=st.floats(0, 1))
    def test_it_is_what_python_makes_of_the_price(self, price, input, tokens, share):
        seconds = share * input["duration"]
        terms = agreed_or_passed_over(price, input)[1]
        python = pricing.compiled(price, metering.widened(SCHEMA, BOUNDS))
        bill = metering.bill(terms, {"tokens": tokens, "seconds": seconds})
        assert bill == Bill(python({**input, "tokens": tokens, "seconds": seconds}))


class TestWhatARowKeeps:
    def test_is_plain_numbers_under_short_names(self):
        told = {"tokens": 7, "seconds": 1.5, "nan": math.nan, "flag": True, "text": "7", 7: 7, "x" * 41: 1, "huge": 10**400}
        assert metering.readable(told) == {"tokens": 7, "seconds": 1.5}

    def test_is_not_whatever_an_upstream_thinks_of(self):
        assert len(metering.readable({f"n{number}": number for number in range(99)})) == 20


class TestADeclaration:
    @pytest.mark.parametrize(
        ("usage", "fault"),
        [
            ({"tokens": "4000 * m"}, "the bound of `tokens`: at character 8: there is no input field `m`"),
            ({"tokens": "seconds", "seconds": "5"}, "the bound of `tokens`: at character 1: there is no input field `seconds`"),
            ({"tokens": 4000}, 'the bound of `tokens` must be a text, as in {"tokens": "4000"}'),
            ({"duration": "30"}, "`duration` is an input field of this model"),
            ({"max": "30"}, "`max` is no name for a usage"),
            ({"to kens": "30"}, "`to kens` is no name for a usage"),
            ({"if": "30"}, "`if` is no name for a usage"),
            ({"ﬁt": "30"}, "`ﬁt` is no name for a usage"),
            (["tokens"], "it must be an object"),
        ],
    )
    def test_that_could_not_be_used_says_what_would_be_right(self, usage, fault):
        with pytest.raises(ValueError, match=re.escape(fault)):
            metering.check(usage, SCHEMA)

    def test_makes_its_names_known_to_the_price_alone(self):
        metering.check(BOUNDS, SCHEMA)
        metering.check_price("tokens + seconds", BOUNDS, SCHEMA)
        with pytest.raises(ValueError, match=r"at character 1: there is no input field `token`;.*Did you mean `tokens`\?"):
            metering.check_price("token + seconds", BOUNDS, SCHEMA)
