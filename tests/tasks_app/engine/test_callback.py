"""A callback: it makes the row due at once, or as soon as the worker that has it lands; and it moves nothing by itself."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import orjson
import pytest
from django.db import connection

from providers.errors import Invalid, Unavailable
from providers.outcomes import Callback, Heard
from tasks_app.engine import callback, claims, poll, submit, wake
from tasks_app.models import Attempt, Task
from tests.upstreams import answer, cut_before_answer

IMAGE = "darkroom/bell-image"


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

    def test_it_is_due_although_its_adapter_cannot_read_what_came(self, acme, grit, rings, road, clock):
        task = acme.submits("darkroom/grit-image")
        road.submits()
        assert waits_s(task, clock) > 0
        assert rings(task, {"order": "x"}) == Heard()
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


@pytest.mark.usefixtures("many_writers")
class TestAtTheVeryMomentOfALanding:
    @pytest.mark.parametrize("step", [submit, poll], ids=["of a submit", "of a poll"])
    def test_no_call_is_lost(self, acme, bell, road, rings, clock, step):
        tasks = [acme.submits(IMAGE) for _ in range(40)]
        if step is poll:
            road.submits()
            clock.move(seconds=60)
        arrived = [(one, road.calls(step, one)) for one in step.take(len(tasks), clock)]
        gate = Barrier(2)

        def at_once(work, each):
            try:
                connection.ensure_connection()
                gate.wait(20)
                for one in each:
                    work(one)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as pool:
            lands = pool.submit(at_once, lambda pair: step.land([pair], clock), arrived)
            calls = pool.submit(at_once, rings, [task for task, _ in arrived])
            lands.result(60), calls.result(60)
        assert set(Task.objects.values_list("status", "lease_token", "called")) == {("running", 0, False)}
        assert max(waits_s(task, clock) for task in tasks) <= 1


class TestTheStepThatIsWoken:
    @pytest.fixture
    def woken(self, monkeypatch) -> dict[str, Event]:
        """The steps of this very process."""
        for step in ("submit", "poll"):
            monkeypatch.setitem(wake.here, step, Event())
        return wake.here

    def test_is_the_one_that_the_row_waits_for(self, task, rings, bell, road, woken):
        bell.will(cut_before_answer())
        road.submits()
        rings(task, bell.ringing(bell.jobs["bell1"]))
        assert (woken["submit"].is_set(), woken["poll"].is_set()) == (True, False)
        road.submits()
        woken["submit"].clear(), woken["poll"].clear()
        rings(task)
        assert (woken["submit"].is_set(), woken["poll"].is_set()) == (False, True)

    def test_is_none_where_no_row_waits(self, task, rings, bell, road, woken):
        road.submits()
        bell.finish()
        road.runs_dry()
        for event in woken.values():
            event.clear()
        rings(task)
        assert not any(event.is_set() for event in woken.values())


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


class TestASubmitWhoseAnswerWasLost:
    """bell has no token and is not asked for a list: only its call can tell what became of it."""

    @pytest.fixture
    def lost(self, task, bell, road) -> Task:
        """bell has the job, and nobody has heard of it."""
        bell.will(cut_before_answer())
        road.submits()
        assert (row(task)["status"], bell.bought) == ("submitting", 1)
        return task

    def test_is_settled_by_the_call_that_names_its_job(self, lost, rings, bell, road, acme):
        rings(lost, bell.ringing(bell.jobs["bell1"]))
        road.submits()
        assert (row(lost)["status"], row(lost)["handle"]) == ("running", {"order": "bell1"})
        bell.finish()
        road.runs_dry()
        assert (row(lost)["status"], row(lost)["attempts"], bell.bought, acme.balance) == ("succeeded", 1, 1, 997)

    def test_is_settled_by_a_call_that_came_before_the_wire_broke(self, task, rings, bell, road, clock):
        bell.will(cut_before_answer())
        (taken,) = submit.take(1, clock)
        outcome = road.calls(submit, taken)
        rings(task, bell.ringing(bell.jobs["bell1"]))
        submit.land([(taken, outcome)], clock)
        assert waits_s(task, clock) == 1
        clock.move(seconds=1)
        road.submits()
        assert (row(task)["status"], bell.bought) == ("running", 1)

    def test_is_asked_about_again_where_what_was_named_cannot_be_looked_at(self, lost, rings, bell, road):
        bell.will(answer(503), at="poll", times=2)
        rings(lost, bell.ringing(bell.jobs["bell1"]))
        for _ in range(3):
            road.submits()
            road.moves_to_next_due()
        assert (row(lost)["status"], row(lost)["attempts"]) == ("running", 1)

    def test_sleeps_until_a_call_comes_and_is_given_up_when_none_does(self, lost, road, bell, acme, clock):
        before = clock()
        assert road.submits() == 0
        road.runs_dry()
        task = row(lost)
        assert (task["status"], task["error_code"], task["flagged"]) == ("failed", "submission_outcome_unknown", True)
        assert (clock() - before).total_seconds() == 3600
        assert (bell.bought, acme.held, acme.balance) == (1, 0, 1000)

    @pytest.mark.parametrize("order", ["bell2", "bell99"], ids=["of another", "of nobody"])
    def test_follows_no_job_because_a_call_says_so(self, lost, rings, bell, road, acme, order):
        other = acme.submits(IMAGE)
        road.submits()
        assert row(other)["handle"] == {"order": "bell2"}
        rings(lost, {"order": order})
        bell.finish()
        road.runs_dry()
        assert (row(lost)["error_code"], row(lost)["flagged"]) == ("submission_outcome_unknown", True)
        assert Attempt.objects.filter(task_id=lost.id).values("handle", "hint").get() == {"handle": None, "hint": {"order": order}}

    def test_is_not_settled_by_a_call_that_names_no_job(self, lost, rings, road):
        rings(lost, {})
        road.runs_dry()
        assert row(lost)["error_code"] == "submission_outcome_unknown"
        assert Attempt.objects.get().called_at

    def test_is_not_waited_for_where_no_address_was_given(self, acme, bell, road, settings):
        settings.HOOKS_URL = ""
        bell.will(cut_before_answer())
        task = acme.submits(IMAGE)
        road.submits()
        assert (row(task)["status"], row(task)["flagged"]) == ("failed", True)

    def test_whose_worker_died_waits_for_the_call_as_well(self, task, rings, bell, road, clock):
        (taken,) = submit.take(1, clock)
        road.calls(submit, taken)
        clock.move(seconds=31)
        road.submits()
        assert row(task)["status"] == "submitting"
        rings(task, bell.ringing(bell.jobs["bell1"]))
        road.submits()
        assert (row(task)["status"], bell.bought) == ("running", 1)


class TestAnUpstreamThatDoesNotAcceptAndCalls:
    def test_is_not_given_the_task_again_nor_is_another(self, task, rings, bell, road, clock):
        bell.will(cut_before_answer())
        (taken,) = submit.take(1, clock)
        road.calls(submit, taken)
        rings(task, bell.ringing(bell.jobs["bell1"]))
        submit.land([(taken, Unavailable())], clock)
        assert row(task)["status"] == "submitting"
        clock.move(seconds=1)
        road.submits()
        assert (row(task)["status"], row(task)["attempts"], bell.bought) == ("running", 1, 1)


class TestAnUpstreamThatQuotesOurAddress:
    def test_tells_the_client_no_secret(self, task, road, clock):
        (taken,) = submit.take(1, clock)
        secret = taken.job.callback_url.split("/")[-2]
        submit.land([(taken, Invalid(f"no such host: {taken.job.callback_url}"))], clock)
        kept = row(task)["error_message"] + Attempt.objects.get().message
        assert "no such host: http://127.0.0.1:9/hooks/bell/…/task_" in kept
        assert secret not in kept
