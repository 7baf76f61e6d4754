"""Results that take more than a fetch: those behind a key, and those that an answer carried itself."""

import pytest

from providers import credentials
from providers.models import Provider
from tasks_app.engine import ask_again, lifecycle
from tasks_app.models import Output, Task
from tasks_app.storage import storage
from tests.cast import forget_rows
from tests.upstreams import answer, fail

from .flagged import BY, flag_of, recovers, upstream_loop_is_idle

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


class TestAResultThatTheAnswerToAPollCarried:
    @pytest.fixture
    def inline(self, plasma, settings):
        speaks_as(settings, "inline_adapter")
        return plasma

    def test_is_stored_and_paid_for(self, acme, inline, road):
        task = acme.submits(IMAGE, n=2)
        road.runs_dry()
        assert (row(task).status, Output.objects.count(), acme.balance) == ("succeeded", 2, 994)

    def test_lies_in_our_storage_from_then_on(self, acme, inline, road):
        task = acme.submits(IMAGE)
        road.submits()
        inline.finish()
        road.moves_to_next_due()
        road.polls()
        (found,) = row(task).found
        assert storage.size(found["url"].removeprefix(lifecycle.INLINE))
        inline.stop()
        road.runs_dry()
        assert row(task).status == "succeeded"

    @pytest.mark.django_db(transaction=True)  # what is deleted is deleted on commit
    def test_is_kept_twice_no_longer_than_it_takes(self, acme, inline, road):
        task = acme.submits(IMAGE)
        road.submits()
        inline.finish()
        road.moves_to_next_due()
        road.polls()
        (found,) = row(task).found
        road.runs_dry()
        upstream_loop_is_idle()
        assert storage.size(found["url"].removeprefix(lifecycle.INLINE)) is None

    def test_is_no_matter_where_there_is_none(self, acme, inline, road):
        inline.will(fail())
        task = acme.submits(IMAGE)
        road.runs_dry()
        assert row(task).error_code == "generation_failed"
