"""What providers' calls came to: counted at no query, added to rows of an hour, read for charts and paces."""

from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from providers import rates
from providers.models import HealthHour

MODEL = "plasma/video"


@pytest.fixture(autouse=True)
def nothing_counted():
    rates._counted.clear()
    yield
    rates._counted.clear()


@pytest.fixture
def plasma(make_provider):
    return make_provider()


@pytest.fixture
def noon():
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def hour(plasma, noon):
    """A row of so many hours ago."""

    def make(ago=0, *, model=MODEL, door="submit", **counts):
        return HealthHour.objects.create(provider=plasma, model=model, door=door, hour=noon - timedelta(hours=ago), **counts)

    return make


class TestCounting:
    def test_asks_no_database(self, django_assert_num_queries, plasma):
        with django_assert_num_queries(0):
            rates.count(plasma.id, MODEL, "submit", "good", took_s=0.2)
            rates.count_job(plasma.id, MODEL, "poll", took_s=60, cost=None)

    def test_is_added_up_in_one_row_of_a_model_door_and_hour(self, plasma):
        for answer, took_s in (("good", 0.2), ("good", 0.4), ("bad", 3.0), ("refused", 0.1)):
            rates.count(plasma.id, MODEL, "submit", answer, took_s=took_s)
        assert rates.flush() == 1
        row = HealthHour.objects.get()
        assert (row.good, row.bad, row.refused, row.took_ms, row.slowest_ms) == (2, 1, 1, 3700, 3000)

    def test_keeps_submits_and_polls_apart_and_models(self, plasma):
        rates.count(plasma.id, MODEL, "submit", "good", took_s=1)
        rates.count(plasma.id, MODEL, "poll", "bad", took_s=1)
        rates.count(plasma.id, "plasma/image", "poll", "bad", took_s=1)
        assert rates.flush() == 3

    def test_adds_to_what_others_have_written(self, plasma):
        for slowest in (2.0, 5.0, 1.0):
            rates.count(plasma.id, MODEL, "submit", "good", took_s=slowest)
            rates.flush()
        row = HealthHour.objects.get()
        assert (row.good, row.took_ms, row.slowest_ms) == (3, 8000, 5000)

    def test_of_jobs_says_how_long_they_took_and_what_they_cost(self, plasma):
        rates.count_job(plasma.id, MODEL, "poll", took_s=60, cost=1.5)
        rates.count_job(plasma.id, MODEL, "poll", took_s=90, cost=None)
        rates.flush()
        row = HealthHour.objects.get()
        assert (row.jobs, row.jobs_s, row.cost) == (2, 150, 1.5)

    def test_that_cannot_be_written_waits_for_the_next_flush(self, db, noon):
        key = rates.Key("no number", MODEL, "poll", noon)
        rates._counted[key] = rates.Counts(good=7)
        with pytest.raises(ValueError, match="no number"):
            rates.flush()
        assert rates._counted[key].good == 7

    def test_goes_on_to_the_last_when_a_process_ends(self, plasma, transactional_db):
        rates.count(plasma.id, MODEL, "submit", "good", took_s=1)
        ended = Event()
        ended.set()
        rates.keep_flushing(ended)
        assert HealthHour.objects.get().good == 1


class TestTheSeries:
    def test_has_every_hour_oldest_first_with_zeros(self, plasma, hour, noon):
        hour(0, good=1)
        hour(2, good=2, model="plasma/image")
        hour(2, good=3)
        hour(2, door="poll", bad=4)
        hour(99, good=5)
        found = rates.series(plasma.id, now=noon + timedelta(minutes=30), hours=4)
        assert [at for at, _ in found] == [noon - timedelta(hours=ago) for ago in (3, 2, 1, 0)]
        assert [counts["submit"].good for _, counts in found] == [0, 5, 0, 1]
        assert [counts["poll"].bad for _, counts in found] == [0, 4, 0, 0]

    def test_by_model_adds_up_a_day(self, plasma, hour, noon):
        hour(1, good=1)
        hour(20, good=2)
        hour(30, good=4)
        assert rates.by_model(plasma.id, now=noon)[MODEL, "submit"].good == 3


class TestATypicalDuration:
    def test_is_the_mean_of_the_jobs_of_a_day(self, plasma, hour):
        hour(1, door="poll", jobs=4, jobs_s=400)
        hour(2, door="poll", jobs=4, jobs_s=800)
        hour(40, door="poll", jobs=40, jobs_s=0)
        assert rates.typical(plasma.id, MODEL) == timedelta(seconds=150)

    def test_is_not_told_of_a_few_jobs_nor_of_another_model(self, plasma, hour):
        hour(1, door="poll", jobs=rates.FEW - 1, jobs_s=400)
        assert rates.typical(plasma.id, MODEL) is None
        assert rates.typical(plasma.id, "plasma/image") is None


class TestWhatADayCosts:
    def test_is_what_was_charged_by_the_days_that_it_took(self, plasma, hour, noon):
        hour(48, cost=30.0)
        hour(1, cost=10.0)
        hour(24 * 9, cost=1000.0)
        assert rates.spent_a_day(plasma.id, now=noon) == 20.0

    def test_is_no_more_than_was_charged_on_a_first_day(self, plasma, hour, noon):
        hour(1, cost=10.0)
        assert rates.spent_a_day(plasma.id, now=noon) == 10.0

    def test_is_nothing_where_the_upstream_does_not_tell(self, plasma, hour, noon):
        hour(1, good=10)
        assert rates.spent_a_day(plasma.id, now=noon) == 0.0
