"""Expiry: a task that waits costs nothing when its time is over, and nothing is bought for it."""

import pytest

from providers.models import Provider
from tasks_app.engine import expiry, slots
from tasks_app.models import Task
from tests.cast import forget_rows

IMAGE = "darkroom/plasma-image"


class TestATaskPastItsDeadline:
    @pytest.fixture
    def late(self, acme, plasma, clock):
        task = acme.submits(IMAGE, expires_in=60)
        clock.move(seconds=60)
        return task

    def test_expires_at_the_next_look_and_its_credits_come_back(self, late, acme, road):
        road.submits()
        late.refresh_from_db()
        assert (late.status, late.error_code, acme.held, acme.active) == ("expired", "expired", 0, 0)

    def test_gets_no_slot_even_before_it_has_expired(self, late, acme, clock):
        in_time = acme.submits(IMAGE)
        assert [claimed.id for claimed in slots.take(10, now=clock())] == [in_time.id]

    def test_is_not_bought_after_an_outage(self, late, plasma, road):
        road.runs_dry()
        assert plasma.bought == 0

    def test_expires_beside_a_full_provider_too(self, acme, plasma, road, clock):
        plasma.manual = True
        Provider.objects.update(max_jobs=1)
        forget_rows()
        acme.submits(IMAGE)
        road.submits()
        waiting = acme.submits(IMAGE, expires_in=60)
        clock.move(seconds=60)
        road.submits()
        waiting.refresh_from_db()
        assert (waiting.status, plasma.bought) == ("expired", 1)


def test_the_longest_overdue_go_first_and_no_more_than_asked(acme, plasma, clock):
    second, first, third = (acme.submits(IMAGE, expires_in=seconds) for seconds in (60, 50, 70))
    clock.move(seconds=70)
    assert [expiry.run_once(clock=clock, limit=2) for _ in range(3)] == [2, 1, 0]
    assert list(Task.objects.order_by("finished_at", "deadline_at").values_list("id", flat=True)) == [first.id, second.id, third.id]


def test_a_task_with_time_left_stays(acme, plasma, clock):
    acme.submits(IMAGE, expires_in=60)
    clock.move(seconds=59)
    assert expiry.run_once(clock=clock) == 0
