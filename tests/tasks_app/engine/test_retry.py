"""An ended task, ordered once more."""

import pytest

from tasks_app.engine import retry
from tasks_app.engine.accept import Problem
from tasks_app.ids import shown
from tasks_app.models import Task, TaskEvent
from tests.upstreams import fail

IMAGE = "darkroom/plasma-image"


@pytest.fixture
def failed(acme, plasma, road) -> Task:
    plasma.will(fail("moderated"))
    task = acme.submits(IMAGE, metadata={"album": "42"}, end_user="ann", priority="low")
    road.runs_dry()
    task.refresh_from_db()
    assert task.status == "failed"
    return task


def again(task: Task, clock, *, by: str = "olga", key: str | None = None):
    return retry.request(task.id, task.account_id, by=by, key=key, now=clock())


def last_event(task: Task) -> TaskEvent:
    return TaskEvent.objects.filter(task_id=task.id).latest("id")


class TestATaskThatIsOver:
    def test_is_made_again_as_a_task_of_its_own(self, acme, failed, road, clock):
        task = again(failed, clock).task
        assert (task.retry_of, task.input, task.metadata, task.end_user) == (failed.id, failed.input, {"album": "42"}, "ann")
        assert (task.priority, acme.held) == ("low", 3)
        road.runs_dry()
        task.refresh_from_db()
        failed.refresh_from_db()
        assert (failed.status, task.status, acme.balance) == ("failed", "succeeded", 997)

    def test_and_its_retry_name_each_other_and_who_asked(self, failed, clock):
        task = again(failed, clock).task
        event = last_event(failed)
        assert (event.status, event.detail, event.by) == ("failed", {"retried_as": shown("task", task.id)}, "olga")
        event = last_event(task)
        assert (event.status, event.detail, event.by) == ("queued", {"retry_of": shown("task", failed.id)}, "olga")

    def test_is_made_again_once_under_one_key(self, failed, clock):
        first, second = again(failed, clock, key="r-1"), again(failed, clock, key="r-1")
        assert (second.task.id, second.replayed) == (first.task.id, True)
        assert TaskEvent.objects.filter(task_id=failed.id, by="olga").count() == 1


class TestRefused:
    def test_while_the_task_is_not_over(self, acme, plasma, clock):
        with pytest.raises(Problem) as refused:
            again(acme.submits(IMAGE), clock)
        assert (refused.value.status, refused.value.code) == (409, "not_retryable")

    def test_for_another_account(self, failed, bolt, clock):
        with pytest.raises(Problem) as refused:
            retry.request(failed.id, bolt.id, by="bolt", now=clock())
        assert refused.value.status == 404

    def test_without_the_credits_and_no_event_says_otherwise(self, failed, acme, clock):
        acme.submits(IMAGE)
        acme.account.refresh_from_db()
        type(acme.account).objects.filter(id=acme.id).update(balance=acme.held)
        with pytest.raises(Problem) as refused:
            again(failed, clock)
        assert refused.value.code == "insufficient_credits"
        assert not TaskEvent.objects.filter(by="olga").exists()
