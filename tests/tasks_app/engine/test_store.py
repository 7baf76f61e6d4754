"""Results that take more than a fetch."""

import pytest

from providers import credentials
from providers.models import Provider
from tasks_app.engine import ask_again
from tasks_app.models import Task
from tests.cast import forget_rows
from tests.upstreams import answer

from .flagged import BY, flag_of, recovers

IMAGE = "darkroom/plasma-image"


def row(task: Task) -> Task:
    return Task.objects.get(id=task.id)


def speaks_as(settings, adapter: str) -> None:
    """plasma's provider has this adapter instead."""
    settings.ADAPTERS = [*settings.ADAPTERS, f"tests.upstreams.{adapter}"]
    Provider.objects.update(adapter=adapter)
    forget_rows()


class TestAResultBehindAKey:
    @pytest.fixture
    def locked(self, plasma, settings):
        plasma.LOCKED = True
        speaks_as(settings, "locked_adapter")
        return plasma

    def test_is_fetched_with_it(self, acme, locked, road):
        task = acme.submits(IMAGE)
        road.runs_dry()
        assert (row(task).status, locked.fetched.total()) == ("succeeded", 1)

    def test_is_fetched_with_that_by_which_it_was_ordered(self, acme, locked, road):
        task = acme.submits(IMAGE)
        road.submits()
        credentials.rotate(Provider.objects.get(), {"key": "of another account"}, now=road.clock())
        forget_rows()
        road.runs_dry()
        assert row(task).status == "succeeded"

    def test_is_not_lost_because_the_key_is_refused_for_a_while(self, acme, locked, road):
        locked.will(answer(401), answer(403), at="result")
        task = acme.submits(IMAGE)
        road.runs_dry()
        assert (row(task).status, locked.fetched.total()) == ("succeeded", 3)

    def test_is_fetched_with_it_for_the_operator_too(self, acme, locked, road):
        locked.will(answer(404), at="result")
        task = acme.submits(IMAGE)
        road.runs_dry()
        flag = flag_of(task)
        assert flag.reason == "result_lost"
        ask_again.request(flag.id, now=road.clock(), **BY)
        recovers(road)
        flag.refresh_from_db()
        assert flag.ending == "recovered"
