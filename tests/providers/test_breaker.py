"""The breaker on paper: what opens it, what a probe leads to, what is never counted."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.breaker import FINAL_PAUSE, LEAST, LONGEST, PATIENCE, PAUSE, WINDOW, Breaker, Call, after, eager, probing, room
from providers.errors import (
    Invalid,
    Moderated,
    NotFound,
    NotSent,
    NotTried,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    Repeated,
    Retired,
    Unauthenticated,
    Unavailable,
)

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
COUNTED = (NotSent, RateLimited, Unavailable, OutcomeUnknown)
FINAL = (Unauthenticated, QuotaExceeded)
UNTOLD = (NotTried, Invalid, Moderated, NotFound, Retired, Repeated)


def heard(breaker, *errors, now=NOON, began_at=None):
    return after(breaker, [Call(error and error(), began_at or now) for error in errors], now)


def opened(error=Unavailable, now=NOON):
    return heard(Breaker(), *[error] * LEAST, now=now)


class TestAClosedOne:
    @pytest.mark.parametrize("error", COUNTED)
    def test_opens_after_failures_in_a_row(self, error):
        assert heard(Breaker(), *[error] * (LEAST - 1)).state == "closed"
        found = heard(Breaker(), *[error] * LEAST)
        assert (found.state, found.reason, found.retry_at) == ("open", error.code, NOON + PAUSE)

    @pytest.mark.parametrize("error", FINAL)
    def test_opens_at_once_where_only_an_operator_can_help(self, error):
        found = heard(Breaker(), *[None] * 100, error)
        assert (found.state, found.reason, found.retry_at) == ("open", error.code, NOON + FINAL_PAUSE)

    @pytest.mark.parametrize("error", UNTOLD)
    def test_does_not_count_what_a_client_or_one_job_caused(self, error):
        assert heard(Breaker(), *[error] * 1000) == Breaker()

    def test_of_a_provider_that_answers_is_never_written(self):
        assert heard(Breaker(), *[None] * 1000) == Breaker()

    def test_stays_closed_while_half_of_the_answers_are_good(self):
        assert heard(Breaker(), *[Unavailable, None] * 500).state == "closed"

    def test_opens_where_most_fail(self):
        assert heard(Breaker(), *[Unavailable, Unavailable, Unavailable, Unavailable, None] * 20).state == "open"

    def test_forgets_failures_that_lie_behind_its_window(self):
        before = heard(Breaker(), *[Unavailable] * (LEAST - 1))
        assert heard(before, Unavailable, now=NOON + WINDOW - timedelta(seconds=1)).state == "open"
        found = heard(before, Unavailable, now=NOON + WINDOW)
        assert (found.state, found.bad) == ("closed", 1)

    def test_opens_for_one_task_that_tries_again_by_itself(self):
        breaker, now = Breaker(), NOON
        for tries in range(LEAST):
            breaker = heard(breaker, Unavailable, now=now)
            now += timedelta(seconds=2**tries)
        assert breaker.state == "open"

    def test_waits_as_long_as_the_upstream_asked_within_reason(self):
        error = RateLimited(retry_after=45)
        assert after(Breaker(), [Call(error, NOON)] * LEAST, NOON).retry_at == NOON + timedelta(seconds=45)
        error = RateLimited(retry_after=86_400)
        assert after(Breaker(), [Call(error, NOON)] * LEAST, NOON).retry_at == NOON + LONGEST


class TestRoom:
    def test_is_unbounded_while_closed(self):
        assert room(Breaker(), NOON) is None

    def test_is_none_while_open_and_one_when_a_probe_may_go(self):
        found = opened()
        assert room(found, NOON) == 0
        assert room(found, found.retry_at) == 1

    def test_is_none_while_a_probe_is_out_until_that_is_given_up(self):
        found = probing(opened(), NOON)
        assert room(found, NOON) == 0
        assert room(found, NOON + PATIENCE) == 1


class TestAProbe:
    @pytest.fixture
    def out(self):
        return probing(opened(), NOON + PAUSE)

    def test_that_goes_well_closes(self, out):
        now = NOON + PAUSE + timedelta(seconds=3)
        assert heard(out, None, now=now) == Breaker(since=now)

    def test_that_fails_opens_for_twice_as_long(self, out):
        now = NOON + PAUSE
        found = heard(out, Unavailable, now=now)
        assert (found.state, found.retry_at, found.opened) == ("open", now + 2 * PAUSE, 2)

    def test_that_goes_on_failing_waits_no_longer_than_the_longest(self):
        breaker, now = opened(), NOON
        for _ in range(40):
            now = breaker.retry_at
            breaker = heard(probing(breaker, now), Unavailable, now=now)
        assert breaker.retry_at == now + LONGEST

    @pytest.mark.parametrize("error", UNTOLD)
    def test_that_tells_nothing_makes_way_for_the_next(self, out, error):
        now = NOON + PAUSE
        assert room(out, now) == 0
        assert room(heard(out, error, now=now), now) == 1

    @pytest.mark.parametrize("late", [None, Unavailable, Unauthenticated])
    def test_is_not_taken_for_a_call_that_left_before_it(self, out, late):
        assert heard(out, late, now=NOON + PAUSE, began_at=NOON) == out


class TestAnOpenOne:
    def test_is_not_opened_longer_by_what_was_under_way(self):
        found = opened()
        assert heard(found, *[Unavailable] * 100, now=NOON + timedelta(seconds=3)) == found

    def test_closes_by_whatever_went_well_since(self):
        found = opened()
        assert heard(found, None, now=NOON + timedelta(seconds=3)).state == "closed"
        assert heard(found, None, now=NOON + timedelta(seconds=3), began_at=NOON - timedelta(seconds=3)) == found

    def test_is_not_closed_by_what_was_answered_beside_the_failures(self):
        assert heard(Breaker(), *[Unavailable] * LEAST, None, None).state == "open"

    def test_lets_a_probe_through_once_an_operator_mended_it(self):
        found = eager(opened(Unauthenticated), NOON)
        assert room(found, NOON) == 1
        assert eager(Breaker(), NOON) == Breaker()


looks = st.tuples(st.sampled_from([None, *COUNTED, *FINAL, *UNTOLD]), st.integers(1, 9), st.integers(0, 200), st.booleans())


@settings(deadline=None)  # it is about what comes out, on a machine that may do other things as well
@given(st.lists(looks, max_size=12))
def test_whatever_comes_it_never_stays_shut_for_good(looks):
    breaker, now = Breaker(), NOON
    for error, times, seconds, probes in looks:
        now += timedelta(seconds=seconds)
        if probes and room(breaker, now) == 1:
            breaker = probing(breaker, now)
        breaker = heard(breaker, *[error] * times, now=now)
        assert (breaker.retry_at is None) == (breaker.state == "closed")
        assert room(breaker, now + LONGEST) != 0


def test_answers_one_by_one_and_all_at_once_lead_to_the_same():
    errors = [Unavailable, None, RateLimited, Invalid, *[OutcomeUnknown] * LEAST, None]
    one_by_one = Breaker()
    for error in errors:
        one_by_one = heard(one_by_one, error)
    assert replace(one_by_one) == heard(Breaker(), *errors)
