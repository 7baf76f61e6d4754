"""What came of the tasks of each hour: counted once they are there, counted again when they move, and read without them."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from tasks_app import hours, past
from tasks_app.models import File, Hour, Stored, Task
from tests.tasks_app.admin.conftest import attempt_of
from tests.tasks_app.api.conftest import IMAGE, VIDEO, models, output_of, task_of

__all__ = ["models"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def over(acme, models, clock):
    """A task that is over, of `ago`, which took so many seconds."""

    def make(*, ago: timedelta = timedelta(0), took: float = 10, status: str = "succeeded", charged=None, **columns) -> Task:
        made = clock() - ago
        defaults = {"captured": 3 if status == "succeeded" else 0, "provider": models}
        task = task_of(acme, created_at=made, status=status, finished_at=made + timedelta(seconds=took), lane="", **(defaults | columns))
        if charged is not None:
            attempt_of(task, models, upstream_cost=charged)
        return task

    return make


def sums_up(clock) -> int:
    return hours.run_once(clock=clock)


def counted() -> dict[datetime, int]:
    return dict(Hour.objects.values_list("hour").annotate(Sum("tasks")))


def read(clock, days: int = 1) -> past.Past:
    return past.read(now=clock(), days=days)


class TestAnHour:
    def test_is_counted_by_what_its_tasks_have_in_common(self, over, models, clock):
        over(charged=0.5), over(charged=0.25), over(model=VIDEO, captured=10)
        over(status="failed", error_code="moderated")
        sums_up(clock)
        columns = ("model", "provider_id", "status", "error_code", "tasks", "captured", "charged", "charged_tasks")
        assert set(Hour.objects.values_list(*columns)) == {
            (IMAGE, models.id, "succeeded", "", 2, 6, 0.75, 2),
            (VIDEO, models.id, "succeeded", "", 1, 10, 0.0, 0),
            (IMAGE, models.id, "failed", "moderated", 1, 0, 0.0, 0),
        }

    def test_of_tasks_that_nobody_had_taken_names_no_provider(self, over, clock):
        over(status="expired", provider=None)
        sums_up(clock)
        assert Hour.objects.get().provider_id == 0

    def test_begins_at_the_full_hour_and_ends_before_the_next(self, over, clock):
        for ago in (0, 1, 3600, 3601):
            over(ago=timedelta(seconds=ago))
        sums_up(clock)
        assert sorted(counted().items()) == [(clock() - timedelta(hours=number), tasks) for number, tasks in ((2, 1), (1, 2), (0, 1))]

    def test_is_counted_once_however_often(self, over, clock):
        over()
        for _ in range(3):
            sums_up(clock)
        assert list(counted().values()) == [1]


class TestWhatIsCountedAgain:
    def test_is_an_hour_with_an_open_task_until_it_is_over(self, acme, models, over, clock):
        task = task_of(acme, created_at=clock(), status="running")
        clock.move(hours=3)
        over()
        sums_up(clock)
        Task.objects.filter(id=task.id).update(status="canceled", finished_at=clock())
        sums_up(clock)
        assert set(Hour.objects.values_list("status", flat=True)) == {"canceled", "succeeded"}

    def test_a_little_later_is_what_was_committed_late(self, over, clock):
        over()
        clock.move(minutes=61)
        over()
        sums_up(clock)
        over(ago=timedelta(minutes=2))
        sums_up(clock)
        assert list(counted().values()) == [1, 1]
        clock.move(minutes=5)
        sums_up(clock)
        assert list(counted().values()) == [2, 1]

    def test_a_day_later_is_what_an_upstream_charged_late(self, over, models, clock):
        attempt = attempt_of(over(), models)
        clock.move(hours=2)
        over()
        sums_up(clock)
        type(attempt).objects.update(upstream_cost=0.5)
        sums_up(clock)
        assert Hour.objects.aggregate(Sum("charged"))["charged__sum"] == 0
        clock.move(hours=24)
        sums_up(clock)
        assert Hour.objects.aggregate(Sum("charged"))["charged__sum"] == 0.5

    def test_is_no_hour_that_nothing_can_have_changed_in(self, over, clock):
        over()
        clock.move(hours=2)
        over()
        assert sums_up(clock) == 2
        clock.move(minutes=5)
        assert sums_up(clock) == 1  # this one

    def test_is_nothing_that_clean_up_may_have_taken(self, over, clock, settings):
        settings.TASK_KEEP_DAYS = 1
        over(), over(flagged=True)
        clock.move(hours=2)
        sums_up(clock)
        Task.objects.filter(flagged=False).delete()
        clock.move(days=2)
        over()
        sums_up(clock)
        assert list(counted().values()) == [2, 1]


class TestALongTime:
    def test_is_caught_up_with_hour_by_hour(self, over, clock):
        for ago in range(5):
            over(ago=timedelta(hours=ago))
        assert hours.run_once(clock=clock, limit=3) == 3
        assert hours.run_once(clock=clock, limit=3) == 3  # the last one once more
        assert len(counted()) == 5

    def test_without_a_task_costs_one_look(self, over, clock):
        over()
        sums_up(clock)
        clock.move(days=20)
        over()
        assert sums_up(clock) == 1

    def test_is_forgotten_after_a_month(self, over, clock):
        over()
        sums_up(clock)
        clock.move(days=32)
        sums_up(clock)
        assert (Hour.objects.count(), Stored.objects.count()) == (0, 1)


class TestTheStorage:
    def test_is_read_off_once_an_hour(self, over, acme, clock):
        task = over()
        output_of(task, b"12345")
        File.objects.create(account_id=acme.id, name="f", content_type="image/png", bytes=7, sha256="", key="k", created_at=clock())
        sums_up(clock)
        output_of(task, b"12345", position=1)
        sums_up(clock)
        assert Stored.objects.values_list("outputs", "output_bytes", "files", "file_bytes").get() == (1, 5, 1, 7)
        clock.move(hours=1)
        sums_up(clock)
        assert Stored.objects.count() == 2


class TestThePast:
    def test_of_a_day_is_told_by_the_hour(self, over, clock):
        over(), over(ago=timedelta(hours=23)), over(ago=timedelta(hours=24)), over(status="failed")
        sums_up(clock)
        told = read(clock)
        assert (len(told.slices), told.outcomes, told.captured) == (24, {"succeeded": 2, "failed": 1}, 6)
        assert told.slices[-1].outcomes == {"succeeded": 1, "failed": 1}

    def test_of_a_week_is_told_by_the_day(self, over, clock):
        for days in (0, 1, 6, 7):
            over(ago=timedelta(days=days))
        sums_up(clock)
        told = read(clock, days=7)
        assert [one.outcomes.total() for one in told.slices] == [1, 0, 0, 0, 0, 1, 1]

    def test_calls_open_what_is_not_over(self, acme, models, clock):
        for status in ("queued", "running"):
            task_of(acme, created_at=clock(), status=status)
        sums_up(clock)
        assert read(clock).outcomes == {"open": 2}

    def test_tells_failures_the_most_frequent_first(self, over, models, clock):
        for code in ("moderated", "unavailable", "unavailable"):
            over(status="failed", error_code=code)
        sums_up(clock)
        assert read(clock).failures == [past.Failure(models.id, "unavailable", 2), past.Failure(models.id, "moderated", 1)]

    def test_tells_how_long_tasks_took_within_seven_percent(self, over, clock):
        for seconds in range(1, 101):
            over(took=seconds)
        over(status="failed", took=5000)
        sums_up(clock)
        (wait,) = read(clock).waits
        assert (wait.model, wait.tasks) == (IMAGE, 100)
        assert wait.median_s == pytest.approx(50, rel=0.075)
        assert wait.p95_s == pytest.approx(95, rel=0.075)

    def test_tells_of_a_task_that_took_no_time(self, over, clock):
        over(took=0)
        sums_up(clock)
        assert read(clock).waits[0].median_s < 0.001

    def test_tells_what_was_earned_by_model_and_provider(self, over, models, clock):
        over(charged=0.5), over(), over(model=VIDEO, captured=10), over(status="failed", charged=0.25), over(status="canceled", model=VIDEO)
        sums_up(clock)
        assert read(clock).earned == [past.Earned(VIDEO, models.id, 1, 10, 0.0, 0), past.Earned(IMAGE, models.id, 3, 6, 0.75, 2)]

    def test_costs_the_same_number_of_queries_however_much_there_was(self, over, clock):
        over()
        sums_up(clock)
        with CaptureQueriesContext(connection) as few:
            read(clock)
        over(model=VIDEO), over(status="failed", error_code="moderated", ago=timedelta(hours=5))
        sums_up(clock)
        with CaptureQueriesContext(connection) as many:
            read(clock)
        assert len(few) == len(many) == 5
