"""A provider that is switched off, and a key that is changed, while tasks are in flight."""

import pytest

from providers import credentials
from providers.models import Provider
from tasks_app.models import Attempt, Task
from tests.cast import START, forget_rows
from tests.upstreams import cut_before_answer

IMAGE = "darkroom/plasma-image"


@pytest.fixture
def in_flight(acme, plasma, road) -> Task:
    plasma.manual = True
    task = acme.submits(IMAGE)
    road.submits()
    return task


def row(task: Task) -> Task:
    task.refresh_from_db()
    return task


class TestAProviderThatIsSwitchedOff:
    @pytest.fixture(autouse=True)
    def off(self, in_flight):
        Provider.objects.update(is_enabled=False)
        forget_rows()

    def test_gets_no_new_job(self, acme, plasma, road, clock):
        waiting = acme.submits(IMAGE)
        road.submits()
        clock.move(seconds=5)
        road.polls()
        assert (row(waiting).status, row(waiting).attempts, plasma.bought) == ("queued", 0, 1)

    def test_has_its_jobs_polled_stored_and_paid(self, in_flight, acme, plasma, road):
        plasma.finish()
        road.runs_dry()
        assert (row(in_flight).status, acme.held, acme.balance) == ("succeeded", 0, 997)

    def test_has_its_jobs_stopped_where_their_client_says_so(self, in_flight, acme, road):
        acme.cancels(in_flight)
        road.runs_dry()
        assert row(in_flight).status == "canceled"

    def test_is_taken_up_again_when_it_is_switched_on(self, acme, plasma, road):
        plasma.manual = False
        waiting = acme.submits(IMAGE)
        road.submits()
        Provider.objects.update(is_enabled=True)
        forget_rows()
        plasma.finish()
        road.runs_dry()
        assert row(waiting).status == "succeeded"


class TestASubmitThatWasLostBeforeItsProviderWasSwitchedOff:
    def test_is_still_settled_and_bought_once(self, acme, plasma, road):
        plasma.will(cut_before_answer())
        task = acme.submits(IMAGE)
        road.submits()
        Provider.objects.update(is_enabled=False)
        forget_rows()
        road.runs_dry()
        assert (row(task).status, plasma.bought) == ("succeeded", 1)


class TestANewKey:
    @pytest.fixture
    def rotated(self, in_flight, plasma):
        """The simulator knows the old one only."""
        credentials.rotate(Provider.objects.get(), {"key": "the-new-one"}, now=START)
        forget_rows()
        return in_flight

    def test_is_not_asked_with_about_jobs_that_began_with_the_old_one(self, rotated, plasma, road):
        plasma.finish()
        road.runs_dry()
        assert row(rotated).status == "succeeded"

    def test_is_used_by_new_tasks_at_once(self, rotated, acme, plasma, road):
        acme.submits(IMAGE)
        road.submits()
        attempts = Attempt.objects.order_by("id").values_list("credential_version", "outcome")
        assert list(attempts) == [(1, "accepted"), (2, "unauthenticated")]
        plasma.KEY = "the-new-one"
        road.clock.move(minutes=1)
        road.submits()
        assert plasma.bought == 2
