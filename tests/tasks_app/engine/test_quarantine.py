"""Quarantine: a task that takes workers down is taken out after the third, and no other with it."""

from datetime import timedelta

import pytest

from tasks_app.engine import lifecycle, poll, store, submit
from tasks_app.engine.claims import LEASE
from tasks_app.engine.decisions import Stay
from tasks_app.models import Task

IMAGE = "darkroom/plasma-image"
STEPS = {"submitting": submit, "running": poll, "storing": store}


@pytest.fixture
def bring(acme, plasma, road):
    """Make tasks and bring them into a status, each due for its step."""

    def do(status: str, *, tasks: int = 1) -> list[Task]:
        plasma.manual = True
        made = [acme.submits(IMAGE) for _ in range(tasks)]
        if status != "submitting":
            road.submits()
        road.clock.move(seconds=5)
        if status == "storing":
            plasma.finish()
            road.polls()
        return made

    return do


def dies(step, clock) -> list:
    """A worker claims what is due for the step and dies with it; returns the ids of what it had in its hands."""
    taken = step.take(10, clock)
    clock.move(seconds=LEASE.total_seconds())
    return [one.id for one in taken]


def comes_back(taken: list, clock) -> None:
    """The calls for these were answered; they are due again in a minute."""
    later = Stay(due_at=clock() + timedelta(minutes=1))
    lifecycle.advance([lifecycle.Step(one, later) for one in taken], now=clock())


class TestATaskThatTakesItsWorkerDown:
    @pytest.mark.parametrize("status", STEPS)
    def test_is_called_for_three_times_and_no_more(self, bring, acme, clock, status):
        (task,) = bring(status)
        assert [dies(STEPS[status], clock) for _ in range(4)] == [[task.id], [task.id], [task.id], []]
        task.refresh_from_db()
        assert (task.status, task.error_code, task.flagged, acme.held) == ("failed", "quarantined", True, 0)

    def test_is_forgiven_once_a_call_came_back(self, bring, clock):
        bring("running")
        for _ in range(2):
            dies(poll, clock)
        comes_back(poll.take(10, clock), clock)
        assert Task.objects.get().lost_claims == 0


class TestOthersThatWereOpenWithIt:
    @pytest.fixture
    def crowd(self, bring, clock):
        """Tasks that lost two workers together."""
        crowd = bring("running", tasks=3)
        for _ in range(2):
            dies(poll, clock)
        return crowd

    def test_are_called_for_one_at_a_time(self, crowd, clock):
        called = []
        for _ in crowd:
            called += (alone := poll.take(10, clock))
            assert (len(alone), poll.take(10, clock)) == (1, [])
            comes_back(alone, clock)
        assert {one.id for one in called} == {task.id for task in crowd}

    def test_outlive_it(self, crowd, clock):
        poison = crowd[1].id
        for _ in range(12):
            taken = poll.take(10, clock)
            if any(one.id == poison for one in taken):
                clock.move(seconds=LEASE.total_seconds())
            else:
                comes_back(taken, clock)
                clock.move(seconds=60)
        assert list(Task.objects.exclude(status="running").values_list("id", "error_code")) == [(poison, "quarantined")]
