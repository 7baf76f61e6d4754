"""Linked: the operator found a task's job in the provider's console, and says which it is."""

from threading import Barrier, Thread

import pytest
from django.db import connection

from providers.errors import OutcomeUnknown
from providers.outcomes import Accepted, Finished, Found
from tasks_app import cleanup
from tasks_app.engine import ask_again, link, loss, recover, submit
from tasks_app.engine.accept import Problem
from tasks_app.models import Attempt, Flag
from tests.cast import forget_rows
from tests.upstreams import answer, cut_before_answer

from .flagged import BY, GRIT, PLASMA, client_sees, is_flagged, recovers, said, task_of


def links(flag: Flag, text: str, road) -> str:
    did = link.request(flag.id, text, now=road.clock(), **BY)
    flag.refresh_from_db()
    return did


def refused(flag: Flag, text: str, road) -> tuple[int, str, str]:
    with pytest.raises(Problem) as problem:
        links(flag, text, road)
    flag.refresh_from_db()
    return problem.value.status, problem.value.code, problem.value.detail


class TestATaskThatIsOver:
    @pytest.mark.parametrize("text", ["1", ' {"number": 1} '], ids=["id", "handle"])
    def test_has_the_jobs_result_kept_for_the_operator(self, unknown, road, text):
        flag = unknown()
        assert links(flag, text, road) == "asked"
        recovers(road)
        flag.refresh_from_db()
        assert (flag.ending, flag.ended_by, flag.handle, len(flag.kept), is_flagged(flag)) == ("recovered", "olga", {"number": 1}, 1, False)
        (attempt,) = Attempt.objects.values_list("outcome", "late_outcome", "handle")
        assert attempt == ("submission_outcome_unknown", "finished", {"number": 1})

    def test_stays_failed_with_its_credits_given_back(self, unknown, acme, road):
        flag = unknown()
        before = client_sees(acme, flag)
        links(flag, "1", road)
        recovers(road)
        assert client_sees(acme, flag) == before
        assert before[:2] == ("failed", "submission_outcome_unknown")

    def test_says_in_its_events_what_was_linked_and_what_came_of_it(self, unknown, road):
        flag = unknown()
        links(flag, "1", road)
        recovers(road)
        assert said(flag) == [
            ("failed", {"linked": {"number": 1}, "note": BY["note"]}),
            ("failed", {"recovered": 1, "charged": None}),
        ]

    def test_is_flagged_until_the_result_is_there(self, unknown, grit, road):
        grit.manual = True
        flag = unknown()
        links(flag, "1", road)
        recovers(road)
        assert (flag.ending, is_flagged(flag)) == ("", True)

    def test_linked_twice_to_the_same_job_is_linked_once(self, unknown, road):
        flag = unknown()
        for _ in range(2):
            assert links(flag, "1", road) == "asked"
        assert len(said(flag)) == 1

    def test_may_be_linked_to_another_job_after_a_slip(self, unknown, acme, grit, road):
        grit.manual = True
        flag = unknown()
        grit.jobs["2"] = grit.jobs["1"]  # somebody else's, made by hand in the console
        links(flag, "2", road)
        links(flag, "1", road)
        assert flag.handle == {"number": 1}
        grit.finish()
        recovers(road)
        flag.refresh_from_db()
        assert flag.ending == "recovered"

    def test_is_linked_on_the_operators_word_where_the_upstream_does_not_answer(self, unknown, grit, road):
        flag = unknown()
        grit.will(answer(503), at="poll")
        assert links(flag, "1", road) == "asked"


class Doubt:
    """A live task of plasma's: one worker heard of its result too late, and the one that has it now could hear nothing."""

    def __init__(self, acme, plasma, road):
        plasma.manual = True
        acme.submits(PLASMA)
        (first,) = submit.take(1, road.clock)
        road.clock.move(seconds=31)
        plasma.will(cut_before_answer())
        (self.worker,) = submit.take(1, road.clock)
        self.road, self.outcome = road, road.calls(submit, self.worker)
        submit.land([(first, Finished((Found("https://example.com/a"),)))], road.clock)
        (self.job,) = plasma.jobs
        self.flag = Flag.objects.get()

    def lets_go(self) -> None:
        submit.land([(self.worker, self.outcome)], self.road.clock)
        task = task_of(self.flag)
        assert (task.status, task.lease_token, task.flagged) == ("submitting", 0, True)


@pytest.fixture
def doubt(acme, plasma, road, own_storage) -> Doubt:
    return Doubt(acme, plasma, road)


class TestALiveTaskWhoseSubmitIsInDoubt:
    def test_runs_on_with_the_job_and_succeeds(self, doubt, acme, plasma, road):
        doubt.lets_go()
        assert links(doubt.flag, doubt.job, road) == "running"
        task = task_of(doubt.flag)
        assert (task.status, task.handle, task.flagged, doubt.flag.ending) == ("running", {"id": doubt.job}, False, "linked")
        plasma.finish()
        road.runs_dry()
        assert (task_of(doubt.flag).status, acme.balance, plasma.bought) == ("succeeded", 997, 1)

    def test_says_so_in_the_operators_name(self, doubt, road):
        doubt.lets_go()
        links(doubt.flag, doubt.job, road)
        assert said(doubt.flag) == [("running", {}), ("running", {"linked": {"id": doubt.job}, "note": BY["note"]})]
        attempt = Attempt.objects.get()
        assert (attempt.outcome, attempt.handle, attempt.is_orphan) == ("accepted", {"id": doubt.job}, False)

    def test_flags_another_job_that_the_upstream_names_when_it_is_too_late(self, doubt, road):
        doubt.lets_go()
        links(doubt.flag, doubt.job, road)
        submit.land([(doubt.worker, Accepted({"id": "bought twice, there"}))], road.clock)
        second = Flag.objects.exclude(id=doubt.flag.id).get()
        assert (task_of(doubt.flag).handle, is_flagged(doubt.flag)) == ({"id": doubt.job}, True)
        assert (second.reason, second.handle) == ("second_job", {"id": "bought twice, there"})

    def test_is_left_to_a_worker_that_is_asking_just_now(self, doubt, road):
        assert refused(doubt.flag, doubt.job, road)[:2] == (409, "being_asked")
        assert (task_of(doubt.flag).status, said(doubt.flag)) == ("submitting", [])


class TestRefused:
    def test_a_job_that_the_upstream_does_not_know(self, unknown, road):
        flag = unknown()
        status, code, detail = refused(flag, "77", road)
        assert (status, code, "grit does not know this job" in detail) == (409, "no_such_job", True)
        assert (flag.due_at, said(flag), is_flagged(flag)) == (None, [], True)

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("seven", "grit counts its jobs"),
            ("{}", "names no job"),
            ('{"number"', "This begins like JSON"),
            ('{"id": "x"}', "This is no handle of grit"),
        ],
    )
    def test_what_is_no_handle_of_that_upstream(self, unknown, road, text, why):
        status, code, detail = refused(unknown(), text, road)
        assert (status, code) == (422, "invalid_handle")
        assert why in detail

    def test_an_id_where_it_takes_more_with_the_shape_of_a_handle(self, unknown, acme, grit, road, settings):
        acme.submits(GRIT)
        road.submits()
        flag = unknown()
        settings.ADAPTERS = [*settings.ADAPTERS, "tests.upstreams.nameless_adapter"]
        flag.provider.adapter = "nameless_adapter"
        flag.provider.save()
        forget_rows()
        assert refused(flag, "2", road)[2] == 'An id is not enough for grit: give the handle as JSON, as in {"number": "…"}.'

    def test_the_job_of_another_attempt(self, unknown, acme, road):
        acme.submits(GRIT)
        road.submits()
        flag = unknown()
        status, code, detail = refused(flag, "1", road)
        assert (status, code, Attempt.objects.earliest("id").token in detail) == (409, "job_of_another", True)

    def test_a_job_that_another_flag_was_linked_to(self, unknown, grit, road):
        grit.manual = True
        first, second = unknown(), unknown()
        links(first, "1", road)
        assert refused(second, "1", road)[1] == "job_of_another"

    def test_another_job_than_the_one_that_the_upstream_named(self, quarantined, plasma, acme, road):
        flag = quarantined("running")
        acme.submits(PLASMA)
        road.submits()
        assert refused(flag, next(reversed(plasma.jobs)), road)[1] == "handle_known"

    def test_where_the_client_deleted_the_task(self, unknown, acme, road):
        flag = unknown()
        cleanup.remove(flag.task_id, acme.id)
        assert refused(flag, "1", road)[:2] == (409, "nothing_to_link")

    def test_where_it_was_ended(self, unknown, road):
        flag = unknown()
        loss.request(flag.id, charged=None, now=road.clock(), **BY)
        assert refused(flag, "1", road)[:2] == (409, "flag_ended")


@pytest.mark.usefixtures("many_writers")
class TestRaces:
    def together(self, *works) -> list:
        """What each came to; begun at the same moment, on connections of their own."""
        barrier, ends = Barrier(len(works)), {}

        def run(work):
            try:
                barrier.wait(10)
                ends[work] = work()
            except Problem as problem:
                ends[work] = problem
            finally:
                connection.close()

        threads = [Thread(target=run, args=(work,)) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return [ends[work] for work in works]

    @pytest.mark.parametrize("_", range(5))
    def test_a_link_and_a_workers_claim_never_both_have_the_task(self, doubt, road, _):
        doubt.lets_go()
        road.clock.move(seconds=20)
        linked, taken = self.together(
            lambda: link.request(doubt.flag.id, doubt.job, now=road.clock(), **BY), lambda: submit.take(5, road.clock)
        )
        task = task_of(doubt.flag)
        if linked == "running":
            submit.land([(one, OutcomeUnknown()) for one in taken], road.clock)  # if it has it, by a claim that the link took away
            assert (task.status, task.lease_token, task.handle) == ("running", 0, {"id": doubt.job})
            assert task_of(doubt.flag).status == "running"
        else:
            assert (linked.code, task.status, len(taken)) == ("being_asked", "submitting", 1)

    @pytest.mark.parametrize("_", range(5))
    def test_of_two_operators_one_ends_the_flag(self, unknown, road, _):
        flag = unknown()
        ends = self.together(
            lambda: loss.request(flag.id, charged=1, by="olga", note="", now=road.clock()),
            lambda: link.request(flag.id, "1", by="vera", note="", now=road.clock()),
        )
        flag.refresh_from_db()
        assert (flag.ending, flag.due_at, is_flagged(flag)) == ("lost", None, False)
        assert ends[1] == "asked" or ends[1].code == "flag_ended"

    @pytest.mark.parametrize("_", range(5))
    def test_one_who_presses_twice_is_heard_once(self, unknown, road, _):
        flag = unknown()
        self.together(*(lambda: loss.request(flag.id, charged=1, now=road.clock(), **BY) for _ in range(2)))
        assert len(said(flag)) == 1

    @pytest.mark.parametrize("_", range(5))
    def test_a_claim_for_recovery_is_one_workers(self, quarantined, road, _):
        flag = quarantined("running")
        ask_again.request(flag.id, now=road.clock(), **BY)
        taken = self.together(lambda: recover.take(5, road.clock), lambda: recover.take(5, road.clock))
        assert sorted(map(len, taken)) == [0, 1]
