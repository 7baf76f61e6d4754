"""A provider that fails is left alone: its tasks wait at no cost or go elsewhere, its jobs are asked about, and one probe finds out."""

import pytest

from providers import breakers
from providers.breaker import FINAL_PAUSE, LEAST, PAUSE
from providers.models import HealthChange, Provider, PublicModel, Route
from tasks_app.engine import slots, submit
from tasks_app.models import Task
from tests.cast import forget_rows
from tests.upstreams import answer, refuse

IMAGE = "darkroom/plasma-image"
DOWN = answer(503, code=19)


@pytest.fixture
def provider(plasma) -> Provider:
    return Provider.objects.get(name="plasma")


@pytest.fixture
def shut(acme, plasma, provider, road, clock):
    """plasma, after so many submits in a row that it did not take."""
    plasma.will(DOWN, times=LEAST)
    for _ in range(LEAST):
        acme.submits(IMAGE)
    road.submits()
    assert breakers.is_open(provider.id)
    return plasma


def statuses() -> dict[str, int]:
    found = list(Task.objects.values_list("status", flat=True))
    return {status: found.count(status) for status in found}


class TestWhileItIsOpen:
    def test_nothing_is_submitted_and_waiting_costs_no_attempt(self, shut, acme, road, clock):
        clock.move(seconds=PAUSE.total_seconds() - 1)
        acme.submits(IMAGE)
        asked = shut.requests["submit"]
        road.submits()
        assert shut.requests["submit"] == asked
        assert Task.objects.order_by("id").last().attempts == 0

    def test_jobs_that_are_there_are_asked_about(self, acme, plasma, provider, road, clock):
        plasma.manual = True
        job = acme.submits(IMAGE)
        road.submits()
        plasma.will(refuse("unauthenticated"))
        acme.submits(IMAGE)
        road.submits()
        assert breakers.is_open(provider.id)
        plasma.finish()
        clock.move(seconds=5)
        road.polls()
        job.refresh_from_db()
        assert job.status == "storing"

    def test_another_route_takes_the_tasks(self, shut, grit, acme, road):
        model = PublicModel.objects.get(name=IMAGE)
        spare = Provider.objects.get(name="grit")
        Route.objects.create(model=model, provider=spare, upstream_model="grit-image", priority=9)
        forget_rows()
        acme.submits(IMAGE)
        road.submits()
        assert grit.bought == 1

    def test_a_look_reads_no_waiting_row(self, shut, acme, clock, django_assert_num_queries):
        clock.move(seconds=5)
        slots.take(10, now=clock())
        with django_assert_num_queries(2):  # the lanes that have a due row, and that there is no other
            assert slots.take(10, now=clock()) == []


class TestAProbe:
    def test_goes_alone_and_all_others_follow_when_it_went_well(self, shut, road, clock):
        shut.manual = True
        clock.move(seconds=PAUSE.total_seconds())
        (probe,) = submit.take(100, clock)
        assert slots.take(100, now=clock()) == []
        submit.land([(probe, road.calls(submit, probe))], clock)
        road.submits()
        assert statuses() == {"running": LEAST}

    def test_that_fails_leaves_the_others_waiting(self, shut, road, clock):
        shut.will(DOWN)
        clock.move(seconds=PAUSE.total_seconds())
        asked = shut.requests["submit"]
        road.submits()
        assert shut.requests["submit"] == asked + 1
        assert HealthChange.objects.order_by("id").last().state == "open"

    def test_all_is_bought_once_in_the_end(self, shut, road):
        road.runs_dry()
        assert (statuses(), shut.bought) == ({"succeeded": LEAST}, LEAST)


class TestWhatOpensIt:
    @pytest.mark.parametrize("why", ["unauthenticated", "no_money"])
    def test_a_key_or_a_bill_at_once(self, acme, plasma, provider, road, clock, why):
        plasma.will(refuse(why))
        acme.submits(IMAGE)
        road.submits()
        assert breakers.room(provider.id, clock()) == 0
        assert breakers.room(provider.id, clock() + FINAL_PAUSE) == 1

    @pytest.mark.parametrize("why", ["invalid", "moderated"])
    def test_never_what_a_client_caused(self, acme, plasma, provider, road, clock, why):
        plasma.will(refuse(why), times=3 * LEAST)
        for _ in range(3 * LEAST):
            acme.submits(IMAGE)
        road.submits()
        assert breakers.room(provider.id, clock()) is None

    def test_polls_that_fail_open_their_own(self, acme, plasma, provider, road, clock):
        plasma.manual = True
        acme.submits(IMAGE)
        road.submits()
        clock.move(seconds=2)
        plasma.will(answer(401, code=31), at="poll")
        road.polls()
        assert breakers.of(provider.id, "poll").state == "open"
        assert breakers.room(provider.id, clock()) is None
        clock.move(seconds=60)
        road.polls()
        assert breakers.of(provider.id, "poll").state == "closed"
