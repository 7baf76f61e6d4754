"""What becomes of a job whose task is over: asked about for a day, told to the operator, and of no effect on the task or its credits."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest

from providers.outcomes import Callback
from tasks_app.engine import callback, claims, late, loss, recover, submit
from tasks_app.models import Attempt, Flag, Task
from tasks_app.storage import storage
from tests.upstreams import answer, cut_before_answer, fail

BELL, PLASMA, GRIT = "darkroom/bell-image", "darkroom/plasma-image", "darkroom/grit-image"


@pytest.fixture
def asks(clock):
    """Time passes, and the duty is done; tells of how many jobs the end is known now."""

    def ask(seconds: float = 60) -> int:
        clock.move(seconds=seconds)
        return late.run_once(clock=clock)

    return ask


@pytest.fixture
def rings(clock):
    def ring(task: Task, body: Mapping[str, Any], attempt: int = 1) -> None:
        callback.came(claims.submit_token(task.id, attempt), Callback({}, orjson.dumps(body)), now=clock())

    return ring


def row(task: Task) -> dict:
    """All of it but the operator's mark, of which its client sees nothing."""
    return Task.objects.values().get(id=task.id) | {"flagged": None}


def kept(task: Task, attempt: int = 1) -> Attempt:
    return Attempt.objects.get(token=claims.submit_token(task.id, attempt))


class TestAJobThatOutlivesItsTask:
    @pytest.fixture
    def expired(self, acme, bell, road) -> Task:
        task = acme.submits(BELL, expires_in=60)
        road.runs_dry()
        assert (row(task)["status"], kept(task).late_outcome, bell.bought) == ("expired", "open", 1)
        return task

    def test_and_finishes_is_the_operators_loss(self, expired, bell, asks, acme, clock):
        before = row(expired)
        bell.finish()
        assert asks() == 1
        attempt = kept(expired)
        assert (attempt.late_outcome, attempt.late_at, attempt.is_orphan, attempt.ask_at) == ("finished", clock(), True, None)
        assert [found["url"] for found in attempt.late_found] == [f"{bell.url}/files/bell1/0"]
        assert (row(expired), acme.balance, acme.held) == (before, 1000, 0)

    def test_and_finishes_has_its_result_kept_and_stays_flagged_until_somebody_has_seen_it(self, expired, bell, asks, clock):
        assert not Flag.objects.exists()
        bell.finish()
        asks()
        recover.run(clock)
        flag = Flag.objects.get()
        assert (flag.reason, flag.token, flag.ending, flag.due_at, flag.finding) == ("late_result", kept(expired).token, "", None, "")
        (result,) = flag.kept
        assert storage.size(result["key"]) == result["bytes"]
        loss.request(flag.id, charged=0.2, by="olga", note="", now=clock())
        flag.refresh_from_db()
        assert (flag.ending, flag.kept, Task.objects.get().flagged) == ("lost", [result], False)
        polls = bell.polls.total()
        assert (asks(3600), bell.polls.total()) == (0, polls)

    def test_and_calls_is_asked_about_at_once(self, expired, bell, rings, asks):
        before = row(expired)
        bell.finish()
        rings(expired, bell.ringing(bell.jobs["bell1"]))
        assert asks(seconds=0) == 1
        assert (kept(expired).late_outcome, row(expired)) == ("finished", before)

    def test_and_calls_after_the_day_is_asked_about_once_more(self, expired, bell, rings, asks):
        while kept(expired).ask_at:
            asks(3600)
        bell.finish()
        rings(expired, bell.ringing(bell.jobs["bell1"]))
        assert asks(seconds=0) == 1
        assert kept(expired).late_outcome == "finished"

    def test_and_calls_again_after_its_end_is_known_changes_nothing(self, expired, bell, rings, asks):
        bell.finish()
        asks()
        rings(expired, bell.ringing(bell.jobs["bell1"]))
        assert (kept(expired).late_outcome, kept(expired).ask_at, asks(3600)) == ("finished", None, 0)

    def test_and_fails_costs_nobody_anything(self, acme, bell, road, asks):
        bell.will(fail())
        task = acme.submits(BELL, expires_in=60)
        road.runs_dry()
        bell.finish()
        assert asks() == 1
        assert (kept(task).late_outcome, kept(task).is_orphan) == ("generation_failed", False)

    def test_and_never_ends_is_asked_about_more_and_more_seldom_for_a_day(self, expired, bell, asks, clock):
        began, times = clock(), []
        while ask_at := kept(expired).ask_at:
            asks((ask_at - clock()).total_seconds())
            times.append(clock() - began)
        assert times[0] == timedelta(minutes=1)
        assert times[-1] - times[-2] == timedelta(hours=1)
        assert timedelta(hours=23) < times[-1] < timedelta(hours=25)
        assert 25 < len(times) < 60
        assert kept(expired).late_outcome == "open"

    def test_and_cannot_be_asked_about_is_asked_about_later(self, expired, bell, asks):
        bell.finish()
        bell.will(answer(503), at="poll")
        assert [asks(), asks()] == [0, 1]

    def test_is_asked_about_by_one_of_two_that_look_at_the_same_moment(self, expired, bell, asks, clock):
        clock.move(seconds=60)
        first, second = late._take(10, clock()), late._take(10, clock())
        assert (len(list(first)), len(list(second))) == (1, 0)


class TestASubmitThatWasGivenUp:
    def lost(self, acme, upstream, model, road, **more) -> Task:
        upstream.will(cut_before_answer(**more))
        task = acme.submits(model, expires_in=60)
        road.runs_dry()
        assert (row(task)["error_code"], kept(task).late_outcome) == ("submission_outcome_unknown", "open")
        return task

    def test_is_found_by_a_late_call_and_followed_to_its_end(self, acme, bell, road, rings, asks):
        task = self.lost(acme, bell, BELL, road)
        before = row(task)
        asks()
        bell.finish()
        rings(task, bell.ringing(bell.jobs["bell1"]))
        asks(seconds=0)
        assert (kept(task).handle, kept(task).is_orphan, kept(task).late_outcome) == ({"order": "bell1"}, True, "open")
        assert asks(seconds=0) == 1
        assert (kept(task).late_outcome, row(task), acme.balance, bell.bought) == ("finished", before, 1000, 1)

    def test_is_not_found_by_a_call_that_names_anothers_job(self, acme, bell, road, rings, asks):
        task = self.lost(acme, bell, BELL, road)
        acme.submits(BELL)
        road.submits()
        rings(task, {"order": "bell2"})
        asks()
        assert (kept(task).handle, kept(task).hint) == (None, {"order": "bell2"})

    def test_is_found_in_a_list_once_its_twin_is_known(self, acme, by_list, road, asks):
        task, twin = (self.lost_by_list(acme, by_list, road) for _ in range(2))
        road.runs_dry()
        Attempt.objects.filter(task_id=twin.id).update(handle={"order": "bell2"})
        asks()
        assert (kept(task).handle, kept(task).is_orphan) == ({"order": "bell1"}, True)

    def lost_by_list(self, acme, bell, road) -> Task:
        bell.will(cut_before_answer())
        task = acme.submits(BELL, expires_in=60)
        road.submits()
        return task

    def test_is_known_not_to_be_there_once_a_list_says_so(self, acme, by_list, road, asks, clock):
        by_list.will(cut_before_answer(accepts=False))
        by_list.will(answer(503), at="find", times=20)
        task = acme.submits(BELL, expires_in=60)
        road.runs_dry()
        by_list.behave()
        assert (row(task)["error_code"], asks()) == ("submission_outcome_unknown", 1)
        assert (kept(task).late_outcome, kept(task).is_orphan) == ("not_found", False)

    def test_stays_open_where_there_is_nothing_to_ask_by(self, acme, grit, road, asks):
        task = self.lost(acme, grit, GRIT, road)
        before = grit.requests.total()
        asks()
        assert (kept(task).late_outcome, kept(task).ask_at, grit.requests.total()) == ("open", None, before)


class TestAJobThatNoTaskEverFollowed:
    def test_is_stopped_where_that_is_free(self, acme, plasma, road, asks, clock):
        plasma.manual = True
        task = acme.submits(PLASMA)
        (first,) = submit.take(1, clock)
        accepted = road.calls(submit, first)
        clock.move(seconds=31)
        (second,) = submit.take(1, clock)
        submit.land([(second, None)], clock)
        submit.land([(first, accepted)], clock)
        clock.move(seconds=5)
        road.submits()
        assert (row(task)["attempts"], kept(task, 1).is_orphan) == (2, True)
        assert asks() == 1
        assert [job.is_canceled for job in plasma.jobs.values()] == [True, False]
        assert (kept(task, 1).late_outcome, kept(task, 2).late_outcome, row(task)["status"]) == ("stopped", "", "running")

    def test_is_known_by_its_call_although_the_submit_was_said_to_be_refused(self, acme, bell, road, rings, asks, clock):
        task = acme.submits(BELL)
        bell.will(cut_before_answer())
        (taken,) = submit.take(1, clock)
        road.calls(submit, taken)
        bell.will(answer(503))
        submit.land([(taken, submit.NotTried())], clock)
        assert row(task)["status"] == "queued"
        rings(task, bell.ringing(bell.jobs["bell1"]))
        asks(seconds=0)
        assert (kept(task).handle, kept(task).is_orphan) == ({"order": "bell1"}, True)


class TestWhatIsNotAskedAbout:
    def test_a_job_whose_end_its_task_knows(self, acme, bell, road, rings, asks):
        task = acme.submits(BELL)
        road.submits()
        bell.finish()
        road.runs_dry()
        rings(task, bell.ringing(bell.jobs["bell1"]))
        before = bell.requests.total()
        assert (row(task)["status"], asks(3600), bell.requests.total()) == ("succeeded", 0, before)

    def test_a_task_that_took_down_its_workers(self, acme, bell, road, rings, asks, clock):
        task = acme.submits(BELL)
        for _ in range(4):
            submit.take(1, clock)
            clock.move(seconds=31)
        assert row(task)["error_code"] == "quarantined"
        rings(task, {"order": "bell1"})
        assert (kept(task).late_outcome, kept(task).ask_at) == ("", None)
