"""A price that rests on what the upstream says it used, from the hold to the ledger."""

import logging

import pytest

from accounts.models import LedgerEntry
from providers.models import PublicModel
from tasks_app.models import Flag, TaskEvent
from tests.cast import forget_rows

IMAGE = "darkroom/plasma-image"


@pytest.fixture(autouse=True)
def metered(plasma):
    """plasma's picture costs 2 credits and 0.01 a token, of which each picture takes 500 at most."""
    PublicModel.objects.filter(name=IMAGE).update(price="2 * n + 0.01 * tokens", usage={"tokens": "500 * n"})
    forget_rows()


@pytest.fixture
def done(acme, road):
    """Submit and run dry; the task as it ended."""

    def run(**order):
        task = acme.submits(IMAGE, **order)
        road.runs_dry()
        task.refresh_from_db()
        return task

    return run


class TestATaskThatEnds:
    def test_holds_the_most_and_captures_what_was_used(self, acme, plasma, road, done):
        held = acme.submits(IMAGE, n=2)
        assert (held.hold, acme.held) == (14, 14)
        assert held.cost_items == [{"what": IMAGE, "credits": 14, "price": "4 + 0.01 * tokens", "up_to": {"tokens": 1000}}]
        plasma.usage = {"tokens": 130}
        road.runs_dry()
        held.refresh_from_db()
        assert (held.captured, held.used, held.flagged, acme.held) == (6, {"tokens": 130}, False, 0)
        assert LedgerEntry.objects.get(kind="capture").amount == -6

    def test_keeps_the_price_that_it_was_accepted_at(self, acme, plasma, road):
        task = acme.submits(IMAGE)
        PublicModel.objects.update(price="900", usage={})
        forget_rows()
        plasma.usage = {"tokens": 100}
        road.runs_dry()
        task.refresh_from_db()
        assert task.captured == 3

    def test_captures_no_more_than_the_hold_whatever_was_used(self, plasma, done):
        plasma.usage = {"tokens": 10**6}
        task = done()
        assert (task.status, task.hold, task.captured, task.flagged) == ("succeeded", 7, 7, True)

    @pytest.mark.parametrize("usage", [{}, {"token": 3}, {"tokens": -3}, {"tokens": "3"}, {"tokens": 1e300}, {"tokens": None}])
    def test_without_a_usage_to_go_by_captures_the_hold_and_tells_the_operator(self, plasma, done, usage, caplog):
        plasma.usage = usage
        with caplog.at_level(logging.WARNING):
            task = done()
        assert (task.captured, task.flagged, task.warnings) == (7, True, [])
        assert "its bound of 500 counts" in TaskEvent.objects.get(task_id=task.id, status="succeeded").detail["doubts"][0]
        assert Flag.objects.get(task_id=task.id).reason == "usage_unknown"
        (told,) = [record for record in caplog.records if getattr(record, "event", "") == "usage_in_doubt"]
        assert (told.task, told.model) == (str(task), IMAGE)

    def test_that_was_done_in_the_submits_answer_is_no_different(self, plasma, done):
        plasma.instant, plasma.usage = True, {"tokens": 100}
        assert done().captured == 3
