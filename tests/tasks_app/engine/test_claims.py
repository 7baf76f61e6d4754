"""Claims: who may work on a row, and for how long."""

import re
from collections import Counter
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers import http
from tasks_app.engine import claims, expiry, lifecycle, slots
from tasks_app.engine.claims import LEASE
from tasks_app.engine.decisions import Move, Stay
from tasks_app.models import Task, TaskEvent
from tests.cast import START, forget_rows


@pytest.fixture
def running(acme, plasma, road):
    """A task that runs upstream and is due for a poll."""
    plasma.manual = True
    task = acme.submits("darkroom/plasma-image")
    road.submits()
    road.clock.move(seconds=5)
    return task


def take_running(now):
    return claims.take("running", limit=10, now=now)


class TestAClaim:
    def test_a_claimed_row_is_nobody_elses(self, running, clock):
        assert len(take_running(clock())) == 1
        assert take_running(clock()) == []

    def test_a_dead_workers_row_is_due_again_when_its_lease_ends(self, running, clock):
        take_running(clock())
        clock.move(seconds=LEASE.total_seconds())
        again = take_running(clock())
        assert [one.row["lost_claims"] for one in again] == [1]

    def test_a_healthy_poll_counts_no_lost_claim(self, running, clock):
        for _ in range(5):
            (claimed,) = take_running(clock())
            lifecycle.advance([lifecycle.Step(claimed, Stay(due_at=clock()))], now=clock())
        assert Task.objects.get().lost_claims == 0

    def test_an_open_call_keeps_its_claim(self, running, clock):
        (claimed,) = take_running(clock())
        clock.move(seconds=20)
        assert claims.extend([claimed], now=clock()) == 1
        clock.move(seconds=20)
        assert take_running(clock()) == []

    def test_a_row_given_back_is_due_at_once_and_not_counted_as_lost(self, running, clock):
        claims.give_back(take_running(clock()), now=clock())
        assert [one.row["lost_claims"] for one in take_running(clock())] == [0]

    def test_a_claim_too_old_may_not_begin_a_paid_call(self, running, clock):
        (claimed,) = take_running(clock())
        assert claimed.may_send
        assert not type(claimed)(claimed.row, claimed.taken - claims.SEND_WITHIN).may_send

    def test_a_paid_call_that_begins_last_has_left_before_its_claim_ends(self):
        assert LEASE.total_seconds() > claims.SEND_WITHIN + http.PATIENCE_S

    def test_tokens_never_repeat_and_fit_the_column(self):
        tokens = {claims.new_token() for _ in range(10_000)}
        assert len(tokens) == 10_000
        assert all(0 < token < 2**63 for token in tokens)


class TestTheFence:
    def test_a_worker_paused_past_its_lease_writes_nothing(self, running, clock):
        (old,) = take_running(clock())
        clock.move(seconds=LEASE.total_seconds())
        (new,) = take_running(clock())
        assert not lifecycle.advance([lifecycle.Step(old, Move("failed"))], now=clock())
        assert claims.extend([old], now=clock()) == 0
        assert Task.objects.get().status == "running"
        assert lifecycle.advance([lifecycle.Step(new, Move("storing", due_at=clock()))], now=clock()) == {new.id}

    def test_a_move_is_made_once(self, running, clock, acme):
        (claimed,) = take_running(clock())
        step = lifecycle.Step(claimed, Move("failed"))
        assert lifecycle.advance([step], now=clock()) == {claimed.id}
        assert lifecycle.advance([step], now=clock()) == set()
        assert (acme.held, acme.active) == (0, 0)
        assert TaskEvent.objects.filter(status="failed").count() == 1

    def test_a_move_that_the_table_does_not_have_is_a_fault(self, running, clock):
        (claimed,) = take_running(clock())
        with pytest.raises(AssertionError, match="running → succeeded"):
            lifecycle.advance([lifecycle.Step(claimed, Move("succeeded"))], now=clock())


class TestSlots:
    def test_a_full_provider_makes_its_tasks_wait(self, acme, plasma, road):
        plasma.manual = True
        cap(plasma, 2)
        for _ in range(5):
            acme.submits("darkroom/plasma-image")
        road.submits()
        assert plasma.bought == 2
        plasma.finish()
        road.clock.move(seconds=5)
        road.polls()
        road.submits()
        assert plasma.bought == 4

    def test_a_look_reads_no_more_rows_than_there_are_slots(self, acme, plasma, road):
        cap(plasma, 2)
        for _ in range(5):
            acme.submits("darkroom/plasma-image")
        with CaptureQueriesContext(connection) as asked:
            assert len(slots.take(100, now=road.clock())) == 2
        assert [query["sql"][-7:] for query in asked if "avoid" in query["sql"] and "deadline_at" in query["sql"]] == ["LIMIT 2"]

    def test_a_full_route_leaves_the_providers_other_routes_alone(self, acme, plasma, road):
        plasma.manual = True
        from providers.models import Route

        Route.objects.filter(upstream_model="plasma-image").update(max_jobs=1)
        forget_rows()
        for _ in range(3):
            acme.submits("darkroom/plasma-image")
            acme.submits("darkroom/plasma-video")
        road.submits()
        assert sorted(job.model for job in plasma.jobs.values()) == ["plasma-image"] + 3 * ["plasma-video"]

    @pytest.mark.parametrize(
        ("waiting", "taken"), [((9, 9), (3, 3)), ((9, 1), (5, 1)), ((1, 9), (1, 5)), ((9, 0), (6, 0)), ((2, 2), (2, 2))], ids=str
    )
    def test_lanes_share_a_workers_room_and_none_is_left_while_one_has_more(self, acme, plasma, road, waiting, taken):
        models = ("darkroom/plasma-image", "darkroom/plasma-video")
        for model, count in zip(models, waiting, strict=True):
            for _ in range(count):
                acme.submits(model)
        found = Counter(one.row["model"] for one in slots.take(6, now=road.clock()))
        assert tuple(found[model] for model in models) == taken

    def test_a_full_lane_leaves_its_share_to_the_one_before_it(self, acme, plasma, grit, road):
        cap(plasma, 0)
        for model in ("darkroom/grit-image", "darkroom/plasma-image"):
            for _ in range(9):
                acme.submits(model)
        assert Counter(one.row["model"] for one in slots.take(6, now=road.clock())) == {"darkroom/grit-image": 6}

    def test_low_priority_waits_behind_normal(self, acme, plasma, road):
        plasma.manual = True
        cap(plasma, 1)
        low = acme.submits("darkroom/plasma-image", priority="low")
        normal = acme.submits("darkroom/plasma-image")
        road.submits()
        low.refresh_from_db()
        normal.refresh_from_db()
        assert (low.status, normal.status) == ("queued", "running")

    def test_a_draining_provider_gets_no_new_jobs_and_its_old_ones_go_on(self, acme, plasma, road):
        from providers.models import Provider

        old = acme.submits("darkroom/plasma-image")
        road.submits()
        Provider.objects.update(is_enabled=False)
        forget_rows()
        new = acme.submits("darkroom/plasma-image", expires_in=60)
        road.runs_dry()
        old.refresh_from_db()
        new.refresh_from_db()
        assert (old.status, new.status, plasma.bought) == ("succeeded", "expired", 1)

    @pytest.mark.parametrize("asked_for_s", [None, 86_400], ids=["at once", "whatever patience the first one asked for"])
    def test_work_not_accepted_goes_to_another_provider(self, acme, plasma, grit, road, asked_for_s):
        from providers.models import PublicModel, Route
        from tests.upstreams import answer

        plasma.will(answer(503, code=19, retry_after=asked_for_s))
        model = PublicModel.objects.get(name="darkroom/plasma-video")
        spare = Route.objects.get(upstream_model="grit-video")
        Route.objects.create(model=model, provider=spare.provider, upstream_model="grit-video", priority=9)
        forget_rows()
        task = acme.submits("darkroom/plasma-video")
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, plasma.bought, grit.bought) == ("succeeded", 0, 1)


def cap(simulator, jobs: int) -> None:
    from providers.models import Provider

    Provider.objects.filter(base_url=simulator.url).update(max_jobs=jobs)
    forget_rows()


class TestParking:
    def test_an_accounts_tasks_beyond_its_cap_wait_their_turn(self, member, plasma, road):
        small = member("small", credits=100, max_active=1)
        first, second, third = (small.submits("darkroom/plasma-image") for _ in range(3))
        assert (second.due_at, third.due_at, small.active, small.held) == (None, None, 1, 9)
        road.runs_dry()
        assert {task.status for task in Task.objects.all()} == {"succeeded"}
        assert (small.active, small.held, small.balance) == (0, 0, 91)
        started = [Task.objects.get(id=task.id).started_at for task in (first, second, third)]
        assert started == sorted(started)

    def test_one_accounts_flood_holds_up_no_other(self, member, acme, plasma, road):
        plasma.manual = True
        flood = member("flood", credits=1000, max_active=2)
        for _ in range(20):
            flood.submits("darkroom/plasma-image")
        mine = acme.submits("darkroom/plasma-image")
        road.submits()
        mine.refresh_from_db()
        assert (mine.status, plasma.bought) == ("running", 3)

    def test_a_parked_task_can_be_canceled_and_frees_no_slot(self, member, plasma):
        small = member("small", credits=100, max_active=1)
        small.submits("darkroom/plasma-image")
        parked = small.submits("darkroom/plasma-image")
        small.cancels(parked)
        assert (small.active, small.held) == (1, 3)

    def test_a_task_let_in_after_it_was_read_is_not_settled_as_a_parked_one(self, member, plasma, clock):
        small = member("small", credits=100, max_active=1)
        first, parked = (small.submits("darkroom/plasma-image") for _ in range(2))
        stale = claims.read(parked.id)
        small.cancels(first)
        assert lifecycle.advance([lifecycle.Step(stale, Move("canceled"))], now=clock()) == set()
        small.cancels(parked)
        assert (small.active, small.held) == (0, 0)

    def test_a_parked_task_expires_at_its_deadline(self, member, plasma, road):
        plasma.manual = True
        small = member("small", credits=100, max_active=1)
        small.submits("darkroom/plasma-image", expires_in=60)
        parked = small.submits("darkroom/plasma-image", expires_in=30)
        road.runs_dry()
        parked.refresh_from_db()
        assert (parked.status, parked.attempts, small.held, small.active) == ("expired", 0, 0, 0)


@pytest.mark.usefixtures("many_writers")
class TestManyWorkersAtOnce:
    def race(self, work, workers=6):
        barrier, results = Barrier(workers), []

        def run():
            barrier.wait()
            try:
                results.append(work())
            finally:
                connection.close()

        threads = [Thread(target=run) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return results

    def test_each_row_is_won_once(self, member, plasma):
        acme = member("acme", credits=10_000, max_active=1000)
        plasma.manual = True
        for _ in range(60):
            acme.submits("darkroom/plasma-image")
        Task.objects.update(status="running", lane="", due_at=START, lease_token=0)
        now = START + timedelta(seconds=1)
        won = [claimed.id for taken in self.race(lambda: claims.take("running", limit=60, now=now)) for claimed in taken]
        won += [claimed.id for claimed in claims.take("running", limit=60, now=now)]
        assert len(won) == len(set(won)) == 60

    def test_a_cap_is_never_exceeded(self, member, plasma):
        acme = member("acme", credits=10_000, max_active=1000)
        cap(plasma, 7)
        for _ in range(40):
            acme.submits("darkroom/plasma-image")
        now = START + timedelta(seconds=1)
        taken = [claimed.id for result in self.race(lambda: slots.take(5, now=now)) for claimed in result]
        taken += [claimed.id for claimed in slots.take(40, now=now)]
        assert len(taken) == len(set(taken)) == 7
        assert Task.objects.filter(status="submitting").count() == 7


@pytest.mark.django_db(transaction=True)  # ANALYZE commits
class TestTheIndexes:
    """The order comes from the index: a sort would lock and read every waiting row."""

    @pytest.fixture(autouse=True)
    def mysql_only(self, transactional_db):
        if connection.vendor != "mysql":
            pytest.skip("about MySQL's optimizer")

    def explained(self, work) -> list[tuple[str, str]]:
        """(index, remarks) of each look at the tasks in order that `work` makes."""
        with CaptureQueriesContext(connection) as queries:
            work()
        return [self.explain(query["sql"]) for query in queries if re.match("SELECT .* FROM `tasks_app_task` .* ORDER BY", query["sql"])]

    def explain(self, sql: str) -> tuple[str, str]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            row = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
        return row["key"], row["Extra"] or ""

    @pytest.fixture
    def crowd(self, member, plasma):
        crowd = member("crowd", credits=100_000, max_active=10_000)
        from tasks_app.engine import accept

        for _ in range(3):
            accept.many(crowd.id, [crowd.order("darkroom/plasma-image") for _ in range(500)], now=START)
        Task.objects.filter(id__in=list(Task.objects.values_list("id", flat=True)[:700])).update(status="running", lane="")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE TABLE tasks_app_task")
        return crowd

    def test_waiting_rows_come_in_order(self, crowd):
        looks = self.explained(lambda: slots.take(100, now=START))
        assert {key for key, _ in looks} == {"task_claim"}
        assert not any("filesort" in remarks for _, remarks in looks)

    def test_due_rows_of_a_status_come_in_order_from_the_index_alone(self, crowd):
        ((key, remarks),) = self.explained(lambda: take_running(START))
        assert key == "task_claim"
        assert "filesort" not in remarks
        assert "Using index" in remarks

    def test_overdue_rows_come_in_order_from_the_index_alone(self, crowd):
        ((key, remarks),) = self.explained(lambda: expiry.run_once(clock=lambda: START))
        assert key == "task_deadline"
        assert "filesort" not in remarks
        assert "Using index" in remarks

    def test_looking_for_due_lanes_reads_a_row_of_each_and_no_parked_one(self, crowd, member):
        parked = member("parked", credits=1000, max_active=0)
        for _ in range(20):
            parked.submits("darkroom/plasma-image")
        before = self.rows_read()
        assert slots.due_lanes(START) == ["darkroom/plasma-image"]
        assert self.rows_read() - before <= 4

    def rows_read(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            # Reading the status itself goes through a table in memory, whose rows are counted apart.
            return sum(int(count) for name, count in cursor.fetchall() if name not in ("Handler_read_rnd", "Handler_read_rnd_next"))


def test_only_lifecycle_writes_status():
    from pathlib import Path

    root = Path(lifecycle.__file__).resolve().parents[2]
    writes = re.compile(
        r"""(update|create)\([^)]*\bstatus=|\.status\s*=[^=]|["']status["']\s*:\s*["']?(queued|submitting|running|storing)"""
    )
    guilty = [
        str(path.relative_to(root))
        for package in ("tasks_app", "accounts", "providers")
        for path in (root / package).rglob("*.py")
        if "migrations" not in path.parts
        and "api" not in path.parts
        and "webhooks" not in path.parts  # a delivery has a status of its own
        and path.name not in ("lifecycle.py", "render.py")
        and writes.search(path.read_text())
    ]
    assert guilty == []
