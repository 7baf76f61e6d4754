"""A histogram of times: small, near enough, and added up without loss."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tasks_app.management.loadtest.times import Times

SOME = st.lists(st.integers(0, 120_000_000), min_size=1, max_size=200)


def counted(some: list[int]) -> Times:
    times = Times()
    for us in some:
        times.add(us)
    return times


class TestPercentiles:
    @given(SOME, st.floats(0, 100))
    def test_are_those_of_the_times_to_a_part_in_256(self, some, percentile):
        (found,) = counted(some).at(percentile)
        exact = next(us for place, us in enumerate(sorted(some), 1) if place >= len(some) * percentile / 100 - 1e-9)
        assert exact <= found <= exact * (1 + 1 / 256)

    @given(SOME)
    def test_asked_for_together_are_those_asked_for_alone(self, some):
        times = counted(some)
        assert times.at(10, 50, 99) == [times.at(percentile)[0] for percentile in (10, 50, 99)]

    def test_of_nothing_are_nothing(self):
        assert (Times().at(50, 100), Times().mean, Times().count) == ([0, 0], 0, 0)


class TestTwoHistograms:
    @given(SOME, SOME)
    def test_added_up_are_that_of_both(self, some, others):
        assert (counted(some) + counted(others)).told() == counted(some + others).told()

    @given(SOME)
    def test_written_and_read_are_the_same(self, some):
        times = counted(some)
        assert Times(json.loads(json.dumps(times.told()))).told() == times.told()


def test_a_million_times_of_up_to_two_minutes_take_a_few_thousand_buckets():
    times = counted(list(range(0, 120_000_000, 120)))
    assert len(times.told()) < 5000
