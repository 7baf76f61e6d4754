"""Submitting, beat by beat: what happens between the taking of a task and the landing of what its call came to."""

import pytest

from providers.errors import OutcomeUnknown, Unavailable
from providers.models import Provider, PublicModel, Route
from tasks_app.engine import accept, submit
from tasks_app.models import File, Task, TaskEvent
from tests.cast import START, forget_rows
from tests.tasks_app.test_inputs import MEDIA, uploads
from tests.upstreams import answer, cut_before_answer
from tests.upstreams.paper import accepts, accepts_unheard, paper_strict

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
        events = TaskEvent.objects.order_by("id").values_list("status", flat=True)
        assert list(events) == ["submitting", "submitting", "canceled"]  # taken, asked to stop, stopped
        assert (acme.held, acme.active) == (0, 0)
        road.runs_dry()
        assert plasma.bought == 0

    def test_stops_a_task_that_the_upstream_took(self, taken, acme, plasma, clock, road):
        plasma.manual = True
        acme.cancels(taken)
        submit.land([(taken, road.calls(submit, taken))], clock)
        road.runs_dry()
        assert (Task.objects.get().status, acme.balance) == ("canceled", 1000)


class TestAskingAgainAfterAnUnknownOutcome:
    @pytest.mark.parametrize(
        "again", [answer(503, code=19), answer(429, retry_after=3), answer(401, code=31), answer(402, code=23)], ids=str
    )
    def test_is_asked_once_more_where_the_upstream_could_not_be_asked(self, acme, plasma, road, again):
        plasma.will(cut_before_answer())
        plasma.will(again)
        task = acme.submits(IMAGE)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.attempts, plasma.bought) == ("succeeded", 1, 1)

    def test_needs_no_input_that_is_gone_by_now(self, acme, plasma, road):
        schema = {"type": "object", "additionalProperties": False, "properties": {"prompt": {"type": "string"}, "image": MEDIA}}
        model = PublicModel.objects.create(name="darkroom/again", kind="image.generate", title="again", input_schema=schema)
        Route.objects.create(model=model, provider=Provider.objects.get(name="plasma"), upstream_model="plasma-image")
        forget_rows()
        plasma.manual = True
        plasma.will(cut_before_answer())
        order = accept.Order("darkroom/again", {"prompt": "a", "image": uploads(acme)[1]})
        task = accept.one(acme.id, order, now=START).task
        road.submits()
        File.objects.all().delete()
        road.clock.move(seconds=5)
        road.submits()
        task.refresh_from_db()
        assert (task.status, task.attempts, plasma.bought) == ("running", 1, 1)


class TestAnUpstreamThatRefusesATokenItHasSeen:
    """Its list may lag behind what it took, so that nothing found proves nothing; its memory of tokens does."""

    @pytest.fixture
    def books(self, db, settings):
        settings.ADAPTERS = [paper_strict.__name__]
        model = PublicModel.objects.create(name="paper/strict", kind="image.generate", title="strict", input_schema={"type": "object"})
        Route.objects.create(model=model, provider=Provider.objects.create(name="strict", adapter="paper_strict"), upstream_model="strict")
        forget_rows()
        yield paper_strict.Adapter.books
        paper_strict.Adapter.books.forget()

    @pytest.fixture
    def task(self, acme, books):
        return accept.one(acme.id, accept.Order("paper/strict", {}), now=START).task

    def tries_twice(self, task, road, books, to_submit) -> Task:
        books.to_submit = to_submit
        road.submits()
        books.to_submit = accepts
        road.clock.move(seconds=5)
        road.submits()
        task.refresh_from_db()
        return task

    def test_is_sent_the_same_token_again_and_sells_it_once(self, task, road, books):
        task = self.tries_twice(task, road, books, OutcomeUnknown())
        assert (task.status, task.attempts, len(books.sold)) == ("running", 1, 1)

    def test_is_asked_for_the_job_that_it_has(self, task, road, books):
        task = self.tries_twice(task, road, books, accepts_unheard)
        assert (task.status, task.attempts, len(books.sold)) == ("running", 1, 1)

    def test_leaves_it_in_doubt_while_its_list_lags_behind(self, task, road, books):
        books.lags = True
        task = self.tries_twice(task, road, books, accepts_unheard)
        assert (task.status, task.attempts, len(books.sold)) == ("submitting", 1, 1)
