"""Flags: what an operator should look at, raised with the move that gives it up, and open until an operator ends it."""

import re
from pathlib import Path

import pytest

from providers.errors import NotFound, OutcomeUnknown
from providers.outcomes import Accepted, Finished, Found
from tasks_app import cleanup, engine
from tasks_app.engine import ask_again, flags, loss, submit
from tasks_app.engine.accept import Problem
from tasks_app.engine.decisions import Quarantined, ResultLost
from tasks_app.engine.reasons import REASONS, reason
from tasks_app.models import Attempt, Flag, Task
from tasks_app.storage import storage
from tests.upstreams import answer, fail, result_gone

from .flagged import BY, GRIT, PLASMA, flag_of, is_flagged, recovers, task_of

X = Accepted({"id": "x"})
WORDS_OF_OURS = ("orphan", "second_job", "late_result", "usage_unknown")


def two_workers(member, model, clock) -> tuple:
    """The first one hears too late: the second has the task by now."""
    member.submits(model)
    (first,) = submit.take(1, clock)
    clock.move(seconds=31)
    (second,) = submit.take(1, clock)
    return first, second


class TestAFlagIsRaised:
    def test_by_an_outcome_that_nobody_knows(self, unknown, acme, grit, clock):
        flag = unknown()
        assert (flag.reason, flag.raised_at, flag.handle, flag.ending) == ("submission_outcome_unknown", clock(), None, "")
        assert (flag.account_id, flag.model, flag.provider.name, flag.token) == (acme.id, GRIT, "grit", Attempt.objects.get().token)
        assert is_flagged(flag)

    def test_by_quarantine_with_the_handle_that_is_known(self, quarantined):
        flag = quarantined("running")
        assert (flag.reason, flag.handle, is_flagged(flag)) == ("quarantined", Attempt.objects.get().handle, True)

    def test_by_a_paid_result_that_is_lost(self, acme, plasma, road):
        plasma.will(result_gone())
        task = acme.submits(PLASMA)
        road.runs_dry()
        assert (flag_of(task).reason, task_of(flag_of(task)).flagged) == ("result_lost", True)

    @pytest.mark.parametrize("late", [X, Finished((Found("https://example.com/a"),), cost=0.2)], ids=["accepted", "finished"])
    def test_by_an_accept_for_a_task_that_moved_on(self, acme, plasma, clock, late):
        first, second = two_workers(acme, PLASMA, clock)
        submit.land([(second, None)], clock)
        submit.land([(first, late)], clock)
        flag = Flag.objects.get()
        assert (flag.reason, flag.token, task_of(flag).status, is_flagged(flag)) == ("orphan", first.submit_token, "queued", True)
        assert (flag.handle, flag.charged) == ((X.handle, None) if late is X else (None, 0.2))

    def test_and_stays_when_its_task_succeeds_in_another_way(self, acme, plasma, road):
        first, second = two_workers(acme, PLASMA, road.clock)
        submit.land([(second, None)], road.clock)
        submit.land([(first, X)], road.clock)
        road.runs_dry()
        flag = Flag.objects.get()
        assert (task_of(flag).status, flag.ending, is_flagged(flag)) == ("succeeded", "", True)

    def test_once_however_often_its_answer_is_written_down(self, acme, grit, clock):
        first, second = two_workers(acme, GRIT, clock)
        submit.land([(second, OutcomeUnknown())], clock)
        for _ in range(2):
            submit.land([(first, X)], clock)
        assert sorted(Flag.objects.values_list("reason", flat=True)) == ["orphan", "submission_outcome_unknown"]

    def test_no_second_time_once_an_operator_ended_it(self, acme, grit, clock):
        first, second = two_workers(acme, GRIT, clock)
        submit.land([(second, OutcomeUnknown())], clock)
        submit.land([(first, X)], clock)
        for flag in Flag.objects.all():
            loss.request(flag.id, charged=None, now=clock(), **BY)
        submit.land([(first, X)], clock)  # the commit's answer was lost, so the pump lands it once more
        assert not is_flagged(flag)

    def test_and_withdrawn_by_the_engine_where_the_task_follows_that_very_job_after_all(self, acme, plasma, clock):
        first, second = two_workers(acme, PLASMA, clock)
        result = Finished((Found("https://example.com/a"),))
        submit.land([(first, result)], clock)
        assert is_flagged(Flag.objects.get())
        submit.land([(second, result)], clock)
        flag = Flag.objects.get()
        assert (flag.ending, flag.ended_by, is_flagged(flag), task_of(flag).status) == ("withdrawn", "", False, "storing")


class TestNoFlagIsRaised:
    @pytest.mark.parametrize("order", [fail("moderated"), fail("broken"), answer(400, code=12)], ids=str)
    def test_by_a_failure_that_is_understood(self, acme, plasma, road, order):
        plasma.will(order)
        acme.submits(PLASMA)
        road.runs_dry()
        assert Task.objects.get().status == "failed"
        assert not Flag.objects.exists()


class TestTheMarkOnTheTask:
    @pytest.fixture
    def two(self, acme, grit, clock) -> list[Flag]:
        """A task that is flagged for two reasons."""
        first, second = two_workers(acme, GRIT, clock)
        submit.land([(second, OutcomeUnknown())], clock)
        submit.land([(first, X)], clock)
        return list(Flag.objects.order_by("id"))

    def test_goes_with_the_last_of_its_flags(self, two, clock):
        for flag, is_marked in zip(two, (True, False), strict=True):
            loss.request(flag.id, charged=None, now=clock(), **BY)
            assert is_flagged(flag) is is_marked

    def test_is_written_here_alone(self):
        root = Path(engine.__file__).resolve().parents[1]
        writes = re.compile(r"update\([^)]*\bflagged|[\"']flagged[\"']:|\.flagged\s*=[^=]")
        assert [path.name for path in root.rglob("*.py") if writes.search(path.read_text()) and "migrations" not in path.parts] == [
            "flags.py"
        ]

    def test_keeps_the_task_past_its_keep_time(self, unknown, settings, clock):
        flag = unknown()
        clock.move(days=settings.TASK_KEEP_DAYS + 400)
        assert cleanup.run("tasks", clock=clock).rows == 0
        loss.request(flag.id, charged=0, now=clock(), **BY)
        assert cleanup.run("tasks", clock=clock).rows == 1


class TestAFlagWhoseClientDeletesTheTask:
    def test_stays_and_can_be_ended(self, unknown, acme, clock):
        flag = unknown()
        cleanup.remove(flag.task_id, acme.id)
        loss.request(flag.id, charged=0.5, now=clock(), **BY)
        flag.refresh_from_db()
        assert (flag.ending, flag.charged, Task.objects.exists()) == ("lost", 0.5, False)

    def test_is_not_asked_about_any_more_and_loses_what_was_kept(self, quarantined, acme, plasma, road):
        flag = quarantined("running")
        plasma.finish()
        ask_again.request(flag.id, now=road.clock(), **BY)
        recovers(road)
        flag.refresh_from_db()
        (kept,) = flag.kept
        assert storage.size(kept["key"])
        cleanup.remove(flag.task_id, acme.id)
        flag.refresh_from_db()
        assert (flag.kept, flag.due_at, storage.size(kept["key"])) == ([], None, None)


class TestTheCount:
    def test_is_of_open_flags_by_reason_the_most_frequent_first(self, unknown, quarantined, clock):
        ended, _, _ = unknown(), unknown(), unknown()
        quarantined("running")
        loss.request(ended.id, charged=None, now=clock(), **BY)
        assert list(flags.open_by_reason().items()) == [("submission_outcome_unknown", 2), ("quarantined", 1)]


class TestTheReasons:
    @pytest.mark.parametrize(
        "word",
        [OutcomeUnknown.code, NotFound.code, Quarantined.code, ResultLost.code, "orphan", "second_job", "late_result", "usage_unknown"],
    )
    def test_have_words_for_all_that_the_engine_flags(self, word):
        assert word in REASONS

    def test_show_a_word_that_is_new_as_it_is(self):
        assert reason("ate_the_film").title == "ate the film"


def test_an_action_on_a_flag_that_is_not_there_says_so(db, clock):
    with pytest.raises(Problem) as refused:
        loss.request(7, charged=None, now=clock(), **BY)
    assert refused.value.status == 404
