"""Asked again: the way out of quarantine. It finds what was bought, keeps it for the operator, and can buy nothing."""

import pytest

from providers.errors import Unavailable
from providers.models import Provider
from tasks_app import strays
from tasks_app.engine import ask_again, flag_claims, late, lifecycle, loss, recover, store, submit
from tasks_app.engine.accept import Problem
from tasks_app.models import Attempt, Flag, Task
from tasks_app.storage import storage
from tests.cast import forget_rows
from tests.upstreams import answer, fail, result_gone, short_result

from .flagged import BY, PLASMA, client_sees, flag_of, is_flagged, recovers, said, task_of, upstream_loop_is_idle


def asks(flag: Flag, road) -> None:
    ask_again.request(flag.id, now=road.clock(), **BY)


def again(flag: Flag) -> Flag:
    flag.refresh_from_db()
    return flag


class TestAQuarantinedTask:
    def test_has_its_result_kept_for_the_operator(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.finish()
        asks(flag, road)
        recovers(road)
        assert (again(flag).ending, flag.ended_by, is_flagged(flag)) == ("recovered", "olga", False)
        (kept,) = flag.kept
        assert (kept["content_type"], storage.size(kept["key"])) == ("image/png", kept["bytes"])
        assert storage.size(kept["thumbnail_key"])

    def test_stays_as_its_client_was_told(self, quarantined, acme, plasma, road):
        flag = quarantined("running")
        before = client_sees(acme, flag)
        plasma.finish()
        asks(flag, road)
        recovers(road)
        assert again(flag).kept
        assert client_sees(acme, flag) == before

    def test_is_told_of_in_its_events_by_the_operators_name(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.finish()
        asks(flag, road)
        recovers(road)
        charged = Attempt.objects.get().upstream_cost
        assert said(flag) == [
            ("failed", {"asked": "upstream", "note": BY["note"]}),
            ("failed", {"recovered": 1, "charged": charged}),
        ]
        assert charged == again(flag).charged is not None

    def test_is_never_bought_by_it(self, quarantined, plasma, road):
        flag = quarantined("submitting")
        assert plasma.bought == 0
        asks(flag, road)
        recovers(road, rounds=3)
        assert (plasma.bought, again(flag).finding, flag.ending, flag.due_at) == (0, recover.NEVER_BOUGHT, "", None)
        assert is_flagged(flag)

    def test_that_was_storing_is_fetched_from_where_its_results_were(self, acme, plasma, road):
        plasma.will(short_result())
        task = acme.submits(PLASMA)
        road.runs_dry()
        flag = flag_of(task)
        plasma.jobs[flag.handle["id"]].fate = type(plasma.jobs[flag.handle["id"]].fate)()
        polls = plasma.requests["poll"]
        asks(flag, road)
        recovers(road)
        assert (again(flag).ending, plasma.requests["poll"]) == ("recovered", polls)


@pytest.mark.django_db(transaction=True)  # what is deleted is deleted on commit
class TestAResultThatCameInTheSubmitsAnswer:
    """It exists nowhere else: no job can be asked about."""

    @pytest.fixture
    def inline(self, acme, plasma, road, own_storage, settings) -> Flag:
        plasma.instant = True
        settings.ADAPTERS = [*settings.ADAPTERS, "tests.upstreams.inline_adapter"]
        Provider.objects.update(adapter="inline_adapter")
        forget_rows()
        task = acme.submits(PLASMA)
        road.submits()
        for _ in range(4):
            store.take(10, road.clock)
            road.clock.move(seconds=flag_claims.LEASE.total_seconds())
        upstream_loop_is_idle()
        return flag_of(task)

    def found(self, flag: Flag) -> str:
        return task_of(flag).found[0]["url"].removeprefix(lifecycle.INLINE)

    def test_is_still_there_for_the_operator(self, inline, road):
        assert (inline.reason, inline.handle) == ("quarantined", None)
        asks(inline, road)
        recovers(road)
        assert (again(inline).ending, storage.size(inline.kept[0]["key"])) == ("recovered", inline.kept[0]["bytes"])

    def test_is_no_stray_until_then(self, inline, road):
        assert list(strays.results()) == []
        Task.objects.update(flagged=False)
        assert list(strays.results()) == [self.found(inline)]

    def test_goes_with_the_flag(self, inline, road):
        assert storage.size(self.found(inline))
        loss.request(inline.id, charged=None, now=road.clock(), **BY)
        upstream_loop_is_idle()
        assert storage.size(self.found(inline)) is None


class TestWhileTheUpstreamIsAtWork:
    def test_it_is_asked_now_and_then_until_it_is_done(self, quarantined, plasma, road):
        flag = quarantined("running")
        asks(flag, road)
        recovers(road, rounds=3)
        assert (again(flag).ending, plasma.requests["poll"]) == ("", 3)
        plasma.finish()
        recovers(road)
        assert again(flag).ending == "recovered"

    def test_it_is_asked_for_a_day_and_then_handed_back(self, quarantined, plasma, road):
        flag = quarantined("running")
        asks(flag, road)
        recovers(road)
        road.clock.move(days=1)
        recovers(road)
        assert (again(flag).finding, flag.due_at, is_flagged(flag)) == (recover.STILL_RUNNING, None, True)
        assert said(flag)[-1] == ("failed", {"found": recover.STILL_RUNNING})

    def test_it_is_not_stopped_by_who_clears_up_after_late_accepts(self, acme, plasma, road, own_storage):
        plasma.manual = True
        acme.submits(PLASMA)
        (first,) = submit.take(1, road.clock)
        job = road.calls(submit, first)
        road.clock.move(seconds=31)
        submit.land([(submit.take(1, road.clock)[0], None)], road.clock)
        submit.land([(first, job)], road.clock)
        flag = Flag.objects.get()
        asks(flag, road)
        assert late.run_once(clock=road.clock) == 0
        plasma.finish()
        recovers(road)
        assert (again(flag).reason, flag.ending) == ("orphan", "recovered")

    def test_asking_once_more_changes_nothing(self, quarantined, plasma, road):
        flag = quarantined("running")
        for _ in range(2):
            asks(flag, road)
        assert len(said(flag)) == 1

    def test_an_upstream_that_is_away_is_asked_again_later(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.will(answer(503), at="poll")
        plasma.finish()
        asks(flag, road)
        recovers(road)
        assert again(flag).ending == ""
        recovers(road)
        assert again(flag).ending == "recovered"

    def test_one_whose_worker_dies_goes_back_to_the_operator(self, quarantined, plasma, road):
        flag = quarantined("running")
        asks(flag, road)
        assert len(recover.take(5, road.clock)) == 1
        road.clock.move(seconds=flag_claims.LEASE.total_seconds())
        assert recover.take(5, road.clock) == []
        assert (again(flag).finding, flag.due_at, flag.lease_token) == (flag_claims.WORKER_DIED, None, 0)


class TestWhatTheUpstreamSays:
    def test_of_a_job_that_failed_there(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.jobs[flag.handle["id"]].fate = fail("broken")
        plasma.finish()
        asks(flag, road)
        recovers(road)
        assert again(flag).finding.startswith("It failed there:")
        assert is_flagged(flag)

    def test_of_a_job_that_it_does_not_know(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.jobs.clear()
        asks(flag, road)
        recovers(road)
        assert again(flag).finding == recover.NO_SUCH_JOB

    def test_of_a_result_that_is_gone(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.jobs[flag.handle["id"]].fate = result_gone()
        plasma.finish()
        asks(flag, road)
        recovers(road)
        assert again(flag).finding.startswith("Its result could not be kept:")


class TestRefused:
    def test_where_there_is_nothing_to_ask_by(self, unknown, road):
        flag = unknown()
        with pytest.raises(Problem, match="link the job instead") as refused:
            asks(flag, road)
        assert (refused.value.status, again(flag).due_at, said(flag)) == (409, None, [])

    def test_where_it_was_ended(self, quarantined, road):
        flag = quarantined("running")
        loss.request(flag.id, charged=None, now=road.clock(), **BY)
        with pytest.raises(Problem, match="ended before: lost by olga"):
            asks(flag, road)


class TestAnOperatorWhoIsFasterThanTheWorker:
    def test_wins_and_what_the_worker_fetched_is_let_go(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.finish()
        asks(flag, road)
        (asking,) = recover.take(5, road.clock)
        outcome = road.calls(recover, asking)
        assert isinstance(outcome, recover.Kept)
        loss.request(flag.id, charged=None, now=road.clock(), **BY)
        recover.land([(asking, outcome)], road.clock)
        upstream_loop_is_idle()
        assert (again(flag).ending, flag.kept, storage.size(outcome.outputs[0].key)) == ("lost", [], None)

    def test_who_asks_anew_is_not_answered_by_the_worker_of_before(self, quarantined, plasma, road):
        flag = quarantined("running")
        asks(flag, road)
        (asking,) = recover.take(5, road.clock)
        ask_again.begin(flag, by="olga", note="", now=road.clock())
        recover.land([(asking, None)], road.clock)
        assert (again(flag).finding, flag.due_at) == ("", road.clock())


class TestWithSeveralAtOnce:
    def test_an_outcome_that_is_written_again_changes_nothing(self, quarantined, plasma, road):
        flag = quarantined("running")
        plasma.finish()
        asks(flag, road)
        (asking,) = recover.take(5, road.clock)
        outcome = road.calls(recover, asking)
        for _ in range(2):  # the commit's answer was lost, so the pump lands it once more
            recover.land([(asking, outcome)], road.clock)
        upstream_loop_is_idle()
        assert (again(flag).ending, len(said(flag)), storage.size(flag.kept[0]["key"])) == ("recovered", 2, flag.kept[0]["bytes"])

    def test_a_claim_is_given_back_by_a_worker_that_ends(self, quarantined, road):
        flag = quarantined("running")
        asks(flag, road)
        taken = recover.take(5, road.clock)
        assert recover.take(5, road.clock) == []
        flag_claims.give_back(taken, now=road.clock())
        assert len(recover.take(5, road.clock)) == 1

    def test_its_task_is_not_touched(self, quarantined, road):
        flag = quarantined("running")
        asks(flag, road)
        recover.land([(one, Unavailable()) for one in recover.take(5, road.clock)], road.clock)
        assert (task_of(flag).due_at, task_of(flag).lease_token) == (None, 0)
