"""Submitting, beat by beat: what happens between the taking of a task and the landing of what its call came to."""

import pytest

from providers.errors import Unavailable
from tasks_app.engine import submit
from tasks_app.models import Task, TaskEvent

IMAGE = "darkroom/plasma-image"


@pytest.fixture
def taken(acme, plasma, clock):
    """A task in a worker's hands, its call not made yet."""
    acme.submits(IMAGE)
    (taken,) = submit.take(1, clock)
    return taken


class TestACancelWhileTheCallIsOpen:
    def test_ends_a_task_that_the_upstream_did_not_take(self, taken, acme, plasma, clock, road):
        acme.cancels(taken)
        submit.land([(taken, Unavailable())], clock)
        assert list(TaskEvent.objects.order_by("id").values_list("status", flat=True)) == ["submitting", "canceled"]
        assert (acme.held, acme.active) == (0, 0)
        road.runs_dry()
        assert plasma.bought == 0

    def test_stops_a_task_that_the_upstream_took(self, taken, acme, plasma, clock, road):
        plasma.manual = True
        acme.cancels(taken)
        submit.land([(taken, road.calls(submit, taken))], clock)
        road.runs_dry()
        assert (Task.objects.get().status, acme.balance) == ("canceled", 1000)
