"""A callback: it makes the row due at once, or as soon as the worker that has it lands; and it moves nothing by itself."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from providers.errors import Unavailable
from providers.outcomes import Callback, Heard
from tasks_app.engine import callback, claims, poll, submit
from tasks_app.models import Attempt, Task
from tests.upstreams import answer

IMAGE = "darkroom/bell-image"


@pytest.fixture(autouse=True)
def storage_of_its_own(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path


@pytest.fixture
def task(acme, bell) -> Task:
    return acme.submits(IMAGE)


@pytest.fixture
def rings(clock):
    """The upstream calls about an attempt of the task; tells what was heard."""

    def ring(task: Task, body: Mapping[str, Any] | None = None, attempt: int = 1) -> Heard | None:
        said = Callback({}, b"" if body is None else orjson.dumps(body))
        return callback.came(claims.submit_token(task.id, attempt), said, now=clock())

    return ring


def row(task: Task) -> dict:
    return Task.objects.values().get(id=task.id)


def waits_s(task: Task, clock) -> float:
    return (row(task)["due_at"] - clock()).total_seconds()


class TestWhileNobodyHasTheRow:
    def test_it_is_due_now(self, task, rings, road, clock):
        road.submits()
        assert waits_s(task, clock) == 60
        rings(task)
        assert waits_s(task, clock) == 0

    def test_it_is_never_due_later_than_it_was(self, task, rings, road, clock):
        road.submits()
        Task.objects.update(due_at=clock())
        rings(task)
        rings(task)
        assert waits_s(task, clock) == 0


class TestWhileAWorkerHasTheRow:
    def test_the_claim_is_left_alone(self, task, rings, clock):
        submit.take(1, clock)
        before = row(task)
        rings(task)
        assert row(task) == before | {"called": True}

    @pytest.mark.parametrize("knocks", [False, True], ids=["news", "a handshake"])
    def test_a_call_before_the_answer_of_the_submit_counts_when_that_lands(self, task, rings, road, clock, knocks):
        (taken,) = submit.take(1, clock)
        outcome = road.calls(submit, taken)
        rings(task, {"knock": "?"} if knocks else None)
        submit.land([(taken, outcome)], clock)
        assert (row(task)["status"], waits_s(task, clock)) == ("running", 60 if knocks else 1)

    def test_a_call_during_a_poll_has_it_asked_once_more(self, task, rings, road, bell, clock):
        road.submits()
        clock.move(seconds=60)
        (taken,) = poll.take(1, clock)
        outcome = road.calls(poll, taken)
        bell.finish()
        rings(task)
        poll.land([(taken, outcome)], clock)
        assert waits_s(task, clock) == 1
        road.runs_dry()
        assert (row(task)["status"], bell.polls.total()) == ("succeeded", 2)

    def test_it_counts_once(self, task, rings, road, clock):
        (taken,) = submit.take(1, clock)
        rings(task)
        submit.land([(taken, road.calls(submit, taken))], clock)
        clock.move(seconds=1)
        road.polls()
        assert waits_s(task, clock) > 40

    def test_a_worker_that_died_is_counted_once_as_ever(self, task, rings, clock):
        submit.take(1, clock)
        rings(task)
        clock.move(seconds=31)
        submit.take(1, clock)
        assert (row(task)["lost_claims"], row(task)["called"]) == (1, False)


class TestWhenTheTaskFollowsAnotherJobOrNone:
    def test_a_call_about_an_earlier_attempt_wakes_nobody(self, task, rings, road, bell, clock):
        bell.will(answer(503))
        road.submits()
        clock.move(seconds=5)
        road.submits()
        before = row(task)
        assert before["attempts"] == 2
        rings(task, attempt=1)
        assert row(task) == before
        assert list(Attempt.objects.order_by("id").values_list("called_at", flat=True)) == [clock(), None]

    def test_a_waiting_task_goes_on_waiting(self, task, rings, clock):
        (taken,) = submit.take(1, clock)
        submit.land([(taken, Unavailable())], clock)
        before = row(task)
        rings(task)
        assert (before["status"], row(task)) == ("queued", before)

    def test_a_task_that_is_over_stays_as_it_is(self, task, rings, road, bell, clock):
        bell.finish()
        road.runs_dry()
        before = row(task)
        assert before["status"] == "expired"
        rings(task)
        assert row(task) == before

    def test_of_what_is_not_there_nothing_is_heard(self, task, rings):
        assert rings(task, attempt=1) is None


class TestTheHint:
    @pytest.mark.parametrize(
        ("body", "hint"),
        [
            ({"order": "bell7"}, {"order": "bell7"}),
            ({"order": 7}, None),
            ({"order": "x" * 2_000}, None),
            (["order"], None),
        ],
        ids=["a handle", "no handle", "too long", "no object"],
    )
    def test_is_kept_beside_the_handle_and_is_none(self, task, rings, road, body, hint):
        road.submits()
        rings(task, body)
        attempt = Attempt.objects.get()
        assert (attempt.hint, attempt.handle, row(task)["handle"]) == (hint, {"order": "bell1"}, {"order": "bell1"})
