"""The pump by itself: how many calls it opens, and what becomes of a look that fails in its midst."""

from time import monotonic

import pytest

from providers.models import PublicModel
from tasks_app import ticks
from tasks_app.engine import pump
from tasks_app.engine.claims import Claimed
from tasks_app.engine.pump import SLOW, Pump, Run
from tests.cast import SCHEMA, forget_rows


def run_with_open_calls(*ages_s: float, window: int = 4, windows: int = 3) -> Run:
    run = Run(Pump("test", take=None, call=None, land=None, window=window, windows=windows), clock=None)
    run.open = dict(enumerate(Claimed({}, monotonic() - age_s) for age_s in ages_s))
    return run


class TestASilentUpstream:
    def test_takes_no_room_from_the_others_once_it_is_slow(self):
        assert run_with_open_calls(0, 0, 0, 0).room() == 0
        assert run_with_open_calls(0, SLOW + 1, SLOW + 1, SLOW + 1).room() == 3

    def test_is_not_asked_without_end(self):
        assert run_with_open_calls(*[SLOW + 1] * 10).room() == 2
        assert run_with_open_calls(*[SLOW + 1] * 12).room() == 0

    def test_holds_its_place_where_calls_cost_more_than_waiting(self):
        assert run_with_open_calls(SLOW + 1, SLOW + 1, windows=1).room() == 2


class TestALookThatFailsInItsMidst:
    @pytest.fixture
    def failed(self, acme, grit, road):
        """A row that was taken, and for which no call could be made."""
        task = acme.submits("darkroom/grit-image")
        PublicModel.objects.filter(name="darkroom/grit-image").update(input_schema=[])
        forget_rows()
        road.submits()
        PublicModel.objects.filter(name="darkroom/grit-image").update(input_schema=SCHEMA)
        forget_rows()
        return task

    def test_has_sent_nothing_so_its_tasks_are_sent_later(self, failed, grit, road):
        assert grit.bought == 0
        road.runs_dry()
        failed.refresh_from_db()
        assert (failed.status, failed.attempts, grit.bought) == ("succeeded", 2, 1)

    def test_has_sent_nothing_and_a_worker_that_ends_right_then_says_so(self, failed, clock):
        pump.stopping.set()
        try:
            ticks.tick("submit", clock)
        finally:
            pump.stopping.clear()
        failed.refresh_from_db()
        assert (failed.status, failed.lease_token) == ("queued", 0)
