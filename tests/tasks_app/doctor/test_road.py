"""What the doctor says of the road, by what stands in the database."""

from datetime import timedelta

import pytest
from django.utils import timezone

from providers import breakers
from providers.breaker import LEAST, Call
from providers.errors import Unauthenticated, Unavailable
from providers.models import Provider, Route
from tasks_app.doctor import road
from tasks_app.models import Audit, Delivery, Flag, Process, Task
from tests.cast import HandClock, forget_rows


@pytest.fixture
def clock():
    """The doctor goes by the database's time."""
    return HandClock(timezone.now())


@pytest.fixture
def verdict(db):
    """The worst of the doctor's words on a check, and all that it says of it."""

    def of(check: str) -> tuple[str, str]:
        found = [one for one in road.road() if one.check == check]
        said = " ".join(f"{one.figure} → {one.remedy}" for one in found if one.level != "ok")
        return max((one.level for one in found), key=("ok", "warn", "fail").index), said

    return of


def late(task: Task, **ago) -> None:
    Task.objects.filter(id=task.id).update(due_at=timezone.now() - timedelta(**ago))


class TestQueueLag:
    @pytest.mark.parametrize(("ago", "level"), [(5, "ok"), (20, "warn"), (90, "fail")])
    def test_is_judged_by_how_long_a_row_that_could_be_taken_waits(self, acme, plasma, verdict, ago, level):
        late(acme.submits("darkroom/plasma-image"), seconds=ago)
        assert verdict("queue lag")[0] == level

    def test_says_which_lane_and_whose_worker_to_look_at(self, acme, plasma, verdict):
        late(acme.submits("darkroom/plasma-image"), seconds=90)
        said = verdict("queue lag")[1]
        assert "submit: 90 s in darkroom/plasma-image" in said
        assert "worker of submit" in said

    def test_what_waits_for_a_slot_is_not_late(self, acme, plasma, road, clock, verdict):
        Provider.objects.update(max_jobs=1)
        acme.submits("darkroom/plasma-image")
        road.submits()
        late(acme.submits("darkroom/plasma-image"), hours=1)
        assert verdict("queue lag")[0] == "ok"

    def test_what_no_route_leads_out_of_is_told(self, acme, plasma, verdict):
        late(acme.submits("darkroom/plasma-image"), seconds=90)
        Route.objects.update(is_enabled=False)
        level, said = verdict("queue lag")
        assert level == "warn"
        assert "darkroom/plasma-image: no enabled route" in said

    @pytest.mark.parametrize("status", ["submitting", "running", "storing"])
    def test_of_every_step_is_looked_at(self, acme, plasma, verdict, status):
        task = acme.submits("darkroom/plasma-image")
        Task.objects.filter(id=task.id).update(status=status, lane="")
        late(task, seconds=90)
        assert verdict("queue lag")[0] == "fail"


class TestStuckTasks:
    def test_are_those_open_long_past_their_deadline(self, acme, plasma, verdict):
        task = acme.submits("darkroom/plasma-image")
        Task.objects.update(deadline_at=timezone.now() - timedelta(minutes=10))
        assert verdict("stuck tasks")[0] == "ok"
        Task.objects.update(deadline_at=timezone.now() - timedelta(minutes=20))
        assert (verdict("stuck tasks")[0], str(task) in verdict("stuck tasks")[1]) == ("warn", True)


class TestWorkers:
    def test_must_serve_every_queue_between_them(self, verdict):
        now = timezone.now()
        for queues in (["submit", "poll"], ["store", "notify"]):
            Process.objects.create(kind="worker", host="a", pid=1, queues=queues, started_at=now, seen_at=now)
        level, said = verdict("workers")
        assert level == "fail"
        assert "Start a worker for upkeep:" in said
        Process.objects.create(kind="worker", host="b", pid=1, queues=["upkeep"], started_at=now, seen_at=now)
        assert verdict("workers")[0] == "ok"


class TestProviders:
    def test_one_that_fails_is_told_with_its_reason(self, plasma, grit, verdict):
        Provider.objects.update(checked_at=timezone.now())
        assert verdict("providers")[0] == "ok"
        Provider.objects.filter(name="grit").update(is_healthy=False, health_note="401: the key is no good")
        assert verdict("providers")[0] == "warn"
        assert "grit fails" in verdict("providers")[1]
        assert "the key is no good" in verdict("providers")[1]

    def test_all_that_fail_are_a_failure(self, plasma, grit, verdict):
        Provider.objects.update(checked_at=timezone.now(), is_healthy=False)
        assert verdict("providers")[0] == "fail"

    @pytest.mark.parametrize(("error", "level"), [(Unauthenticated("the key is no good"), "fail"), (Unavailable("closed"), "warn")])
    def test_whose_breaker_is_open_are_named_with_what_to_do(self, plasma, grit, verdict, error, level):
        Provider.objects.update(checked_at=timezone.now())
        now = timezone.now()
        breakers.heard(Provider.objects.get(name="grit").id, "submit", [Call(error, now)] * LEAST, now=now)
        assert verdict("providers")[0] == level
        assert f"grit takes no submits since {now:%H:%M} UTC: {error.code}, {error.message}" in verdict("providers")[1]

    def test_whose_money_ends_soon_are_named(self, plasma, verdict):
        Provider.objects.update(checked_at=timezone.now(), balance=40, balance_unit="credits", balance_days=1.25)
        assert verdict("providers")[0] == "warn"
        assert "plasma has 40 credits left, for 1.2 days" in verdict("providers")[1]

    def test_that_are_well_are_told_with_what_is_left_there(self, plasma, grit):
        Provider.objects.update(checked_at=timezone.now())
        Provider.objects.filter(name="plasma").update(balance=1200, balance_unit="credits", balance_days=14.2)
        (said,) = [one.figure for one in road.road() if one.check == "providers"]
        assert said == "2 are healthy; plasma has 1200 credits left, for 14.2 days"

    def test_a_lane_whose_only_breaker_is_open_is_not_late(self, acme, plasma, verdict):
        task = acme.submits("darkroom/plasma-image")
        Task.objects.update(due_at=timezone.now() - timedelta(minutes=5), deadline_at=timezone.now() + timedelta(hours=1))
        assert verdict("queue lag")[0] == "fail"
        now = timezone.now()
        breakers.heard(Provider.objects.get().id, "submit", [Call(Unauthenticated(), now)], now=now)
        assert verdict("queue lag")[0] == "ok"
        assert task

    def test_that_nobody_has_checked_are_not_known_to_be_well(self, plasma, verdict):
        Provider.objects.update(checked_at=timezone.now() - timedelta(minutes=6))
        assert verdict("providers")[0] == "warn"

    def test_there_must_be_one(self, verdict):
        assert verdict("providers")[0] == "warn"

    @pytest.mark.parametrize("address", ["http://10.0.0.5:8000", "http://cards.example", "https://cards.example:8443"])
    def test_one_whose_results_could_not_be_fetched_is_a_failure(self, plasma, verdict, settings, address):
        settings.ADAPTERS = [*settings.ADAPTERS, "tests.upstreams.locked_adapter"]
        Provider.objects.update(checked_at=timezone.now(), base_url=address)
        assert verdict("providers")[0] == "ok"
        Provider.objects.update(adapter="locked_adapter")
        forget_rows()
        level, said = verdict("providers")
        assert (level, "plasma: its results would be lost" in said, "EGRESS_ALLOW" in said) == ("fail", True, True)
        assert all("healthy" not in one.figure for one in road.road())

    def test_one_whose_results_the_operator_lets_us_fetch_is_well(self, plasma, verdict, settings):
        settings.ADAPTERS = [*settings.ADAPTERS, "tests.upstreams.locked_adapter"]
        Provider.objects.update(checked_at=timezone.now(), adapter="locked_adapter")
        assert verdict("providers")[0] == "ok"


class TestWebhooks:
    @pytest.mark.parametrize(("ago", "level"), [(60, "ok"), (1000, "warn"), (4000, "fail")])
    def test_are_judged_by_the_oldest_that_is_due(self, acme, verdict, ago, level):
        Delivery.objects.create(
            id="0198f3a0-0000-7000-8000-000000000001",
            account_id=acme.id,
            type="task.failed",
            sequence=2,
            lane="1@x",
            url="https://x.example",
            payload="{}",
            due_at=timezone.now() - timedelta(seconds=ago),
            created_at=timezone.now(),
        )
        assert verdict("webhooks")[0] == level


class TestTheBooks:
    def audit(self, *, faults=0, **ago):
        at = timezone.now() - timedelta(**ago)
        Audit.objects.create(started_at=at, finished_at=at, accounts=1, tasks=1, is_whole=True, faults=faults)

    def test_that_add_up_are_fine_for_two_days(self, verdict):
        self.audit(days=1)
        assert verdict("books")[0] == "ok"
        Audit.objects.update(finished_at=timezone.now() - timedelta(days=3))
        assert verdict("books")[0] == "warn"

    def test_that_do_not_add_up_are_a_failure(self, verdict):
        self.audit(faults=2)
        assert verdict("books") == ("fail", "2 faults in the last audit → manage.py ledger check names them; see docs/credits.md.")


class TestFlags:
    def test_that_are_open_wait_for_the_operator(self, acme, verdict):
        Flag.objects.create(task_id="0198f3a0-0000-7000-8000-000000000001", reason="orphan", account_id=acme.id, raised_at=timezone.now())
        assert verdict("flags")[0] == "warn"
        assert "1 orphan" in verdict("flags")[1]
