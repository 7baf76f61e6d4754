"""Each submission's record: written before the call, completed after it, whatever the call came to."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers.errors import OutcomeUnknown
from providers.models import Provider, Route
from providers.outcomes import Accepted, Finished, Found
from tasks_app import ids
from tasks_app.engine import attempts, late, slots, submit
from tasks_app.models import Attempt, Task
from tests.upstreams import answer, cut_before_answer, fail

IMAGE = "darkroom/plasma-image"


class TestWhatTheUpstreamSaid:
    @pytest.mark.parametrize(
        ("order", "outcome"),
        [
            (answer(400, code=12), "invalid_input"),
            (answer(429, code=17), "rate_limited"),
            (answer(401, code=31), "unauthenticated"),
            (cut_before_answer(), "submission_outcome_unknown"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_is_kept_of_a_submit_that_failed(self, acme, plasma, road, order, outcome):
        plasma.will(order)
        acme.submits(IMAGE)
        road.submits()
        attempt = Attempt.objects.get()
        assert (attempt.outcome, attempt.handle, attempt.landed_at) == (outcome, None, road.clock())

    def test_is_kept_of_each_submit_apart(self, acme, plasma, road):
        plasma.will(answer(503, code=19))
        acme.submits(IMAGE)
        road.runs_dry()
        assert list(Attempt.objects.order_by("id").values_list("outcome", flat=True)) == ["unavailable", "accepted"]


class TestWhatItCharged:
    @pytest.mark.parametrize("instant", [True, False], ids=["with the submit's answer", "when the job was polled to its end"])
    def test_is_kept_whenever_it_is_told(self, acme, plasma, road, instant):
        plasma.instant = instant
        acme.submits(IMAGE, n=2)
        road.runs_dry()
        assert Attempt.objects.get().upstream_cost == 0.5


class TestALateAnswer:
    @pytest.fixture
    def claimed(self, acme, plasma, road):
        acme.submits(IMAGE)
        return slots.take(1, now=road.clock())[0]

    def test_that_accepts_overwrites_one_that_did_not_know(self, claimed, clock):
        attempts.landed(claimed, OutcomeUnknown(), now=clock())
        attempts.landed(claimed, Accepted({"id": "x"}), now=clock())
        assert Attempt.objects.get().handle == {"id": "x"}

    def test_that_does_not_know_overwrites_no_accept(self, claimed, clock):
        attempts.landed(claimed, Accepted({"id": "x"}), now=clock())
        attempts.landed(claimed, OutcomeUnknown(), now=clock())
        attempt = Attempt.objects.get()
        assert (attempt.outcome, attempt.handle) == ("accepted", {"id": "x"})

    def test_that_does_not_know_overwrites_no_result(self, claimed, clock):
        attempts.landed(claimed, Finished(()), now=clock())
        attempts.landed(claimed, OutcomeUnknown(), now=clock())
        assert Attempt.objects.get().outcome == "finished"

    def test_of_a_dead_worker_is_used_without_asking_again(self, claimed, plasma, road, clock):
        attempts.landed(claimed, Accepted({"id": "x"}), now=clock())
        clock.move(seconds=31)
        road.submits()
        assert plasma.bought == 0
        assert Attempt.objects.count() == 1


class TestAnAcceptThatCouldNotMoveItsTask:
    """A worker heard it, and lost its claim before it could land it: another has the task by now."""

    X = Accepted({"id": "x"})

    def two_workers(self, member, model, clock) -> tuple:
        member.submits(model)
        (first,) = submit.take(1, clock)
        clock.move(seconds=31)
        (second,) = submit.take(1, clock)
        return first, second

    def is_orphan(self) -> bool:
        return Attempt.objects.get().is_orphan

    def test_is_found_by_the_worker_that_took_over(self, acme, grit, clock):
        first, second = self.two_workers(acme, "darkroom/grit-image", clock)
        submit.land([(first, self.X)], clock)
        submit.land([(second, OutcomeUnknown())], clock)
        task = Task.objects.get()
        assert (task.status, task.handle, self.is_orphan()) == ("running", {"id": "x"}, False)

    def test_is_no_orphan_where_the_task_follows_the_same_job(self, acme, plasma, clock):
        first, second = self.two_workers(acme, IMAGE, clock)
        submit.land([(second, self.X)], clock)
        submit.land([(first, self.X)], clock)
        assert (Task.objects.get().status, self.is_orphan()) == ("running", False)

    def test_is_no_orphan_where_the_task_followed_the_same_job_to_its_end(self, acme, plasma, road):
        plasma.will(fail("broken"))
        first, second = self.two_workers(acme, IMAGE, road.clock)
        job = road.calls(submit, second)
        submit.land([(second, job)], road.clock)
        road.runs_dry()
        submit.land([(first, job)], road.clock)
        assert (Task.objects.get().status, self.is_orphan(), Task.objects.get().flagged) == ("failed", False, False)

    @pytest.mark.parametrize("late", [X, Finished((Found("https://example.com/a"),))], ids=["accepted", "finished"])
    def test_is_an_orphan_where_the_task_was_given_up(self, acme, grit, clock, late):
        first, second = self.two_workers(acme, "darkroom/grit-image", clock)
        submit.land([(second, OutcomeUnknown())], clock)
        submit.land([(first, late)], clock)
        assert (Task.objects.get().status, self.is_orphan()) == ("failed", True)

    def test_is_an_orphan_where_the_task_was_submitted_anew(self, acme, plasma, clock):
        first, second = self.two_workers(acme, IMAGE, clock)
        submit.land([(second, None)], clock)
        submit.land([(first, self.X)], clock)
        assert (Task.objects.get().status, self.is_orphan()) == ("queued", True)

    def test_with_its_result_is_no_orphan_once_another_has_it_too(self, acme, plasma, clock):
        first, second = self.two_workers(acme, IMAGE, clock)
        result = Finished((Found("https://example.com/a"),))
        submit.land([(first, result)], clock)
        assert self.is_orphan()
        submit.land([(second, result)], clock)
        assert (Task.objects.get().status, self.is_orphan()) == ("storing", False)


class TestALookAtManyAttempts:
    """On MySQL and MariaDB, where an attempt is never looked for by reading them all."""

    @pytest.fixture(autouse=True)
    def many(self, transactional_db, acme, plasma, clock):
        if connection.vendor != "mysql":
            pytest.skip("about MySQL's optimizer")
        provider, route = Provider.objects.get(), Route.objects.first()
        Attempt.objects.bulk_create(
            Attempt(
                task_id=ids.new(),
                token=f"task-{number}",
                provider=provider,
                route=route,
                intended_at=clock() - timedelta(minutes=number),
                ask_at=clock() if number < 3 else None,
            )
            for number in range(3000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE tasks_app_attempt")

    def indexes(self, work) -> set[str]:
        with CaptureQueriesContext(connection) as queries:
            work()
        looks = [query["sql"] for query in queries if query["sql"].startswith("SELECT") and "FROM `tasks_app_attempt`" in query["sql"]]
        return {self.explained(sql)["key"] for sql in looks}

    def explained(self, sql: str) -> dict:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            return dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))

    def test_for_those_to_ask_about_reads_no_others(self, clock):
        assert self.indexes(lambda: late.run_once(clock=clock)) == {"attempt_late"}

    def test_for_those_of_a_time_reads_no_others(self, acme, clock):
        acme.submits(IMAGE)
        (taken,) = submit.take(1, clock)
        assert self.indexes(lambda: attempts.handles_around(taken, clock(), timedelta(minutes=5))) == {"attempt_around"}


class TestAnAcceptAfterTheDatabaseWasPutBackToABackup:
    """The worker claimed its task after the backup; its answer comes when the database knows nothing of that."""

    X = Accepted({"id": "x"})

    @pytest.fixture
    def claimed(self, acme, plasma, clock):
        acme.submits(IMAGE)
        (claimed,) = submit.take(1, clock)
        Attempt.objects.all().delete()
        return claimed

    def test_of_a_task_that_is_gone_is_kept_as_an_orphan(self, claimed, clock):
        Task.objects.all().delete()
        submit.land([(claimed, self.X)], clock)
        orphan = Attempt.objects.get()
        assert (orphan.is_orphan, orphan.handle, orphan.token, orphan.task_id) == (True, {"id": "x"}, claimed.submit_token, claimed.id)

    def test_of_a_task_that_waits_again_is_in_nobodys_way(self, claimed, clock, road, plasma):
        Task.objects.update(status="queued", lane=IMAGE, lease_token=0, attempts=0, provider=None, route=None, due_at=clock())
        submit.land([(claimed, self.X)], clock)
        road.runs_dry()
        assert (Task.objects.get().status, dict(plasma.received)) == ("succeeded", {claimed.submit_token: 1})
