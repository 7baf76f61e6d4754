"""How things stand, read by a constant number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers.models import Provider
from tasks_app import figures
from tasks_app.engine import parking
from tasks_app.models import Audit, Process, Task

QUERIES = 19


def read(clock):
    return figures.read(clock)


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        # Reading the status itself goes through a table in memory, whose rows are counted apart.
        return sum(int(count) for name, count in cursor.fetchall() if name not in ("Handler_read_rnd", "Handler_read_rnd_next"))


def seen(kind: str, clock, *, ago: float = 0, queues=(), **more) -> Process:
    at = clock() - timedelta(seconds=ago)
    return Process.objects.create(kind=kind, host="here", pid=7, queues=list(queues), started_at=at, seen_at=at, **more)


class TestTasks:
    def test_are_counted_by_status_and_parked_ones_apart(self, member, plasma, road, clock):
        acme = member("acme", credits=1000, max_active=2)
        for _ in range(3):
            acme.submits("darkroom/plasma-image")
        assert read(clock).tasks == {"queued": 2, "parked": 1, "submitting": 0, "running": 0, "storing": 0}
        road.submits()
        assert read(clock).tasks["running"] == 2

    def test_counting_ends_where_nobody_would_act_differently(self, acme, plasma, clock, monkeypatch):
        monkeypatch.setattr(figures, "MOST", 2)
        for _ in range(3):
            acme.submits("darkroom/plasma-image")
        assert read(clock).tasks["queued"] == 2


class TestLags:
    def test_are_those_of_each_lane_and_of_each_step(self, acme, plasma, road, clock):
        acme.submits("darkroom/plasma-video")
        road.submits()
        acme.submits("darkroom/plasma-image")
        acme.submits("darkroom/plasma-image", priority="low")
        clock.move(seconds=90)
        acme.submits("darkroom/plasma-image")
        found = {(lag.step, lag.lane): lag.seconds for lag in read(clock).lags}
        assert found["submit", "darkroom/plasma-image"] == found["submit", "darkroom/plasma-image:low"] == 90
        assert 0 < found["poll", "running"] < 90
        assert found["store", "storing"] == found["notify", "pending"] == 0
        assert read(clock).lag_of("submit") == 90

    def test_of_parked_tasks_are_no_workers_business(self, member, plasma, clock):
        acme = member("acme", credits=1000, max_active=1)
        acme.submits("darkroom/plasma-image")
        acme.submits("darkroom/plasma-image")
        assert Task.objects.filter(lane=parking.parking_lane(acme.id)).count() == 1
        assert {lag.lane for lag in read(clock).lags if lag.step == "submit"} == {"darkroom/plasma-image", "submitting"}


class TestSlots:
    def test_are_each_providers_open_jobs_and_its_cap(self, acme, plasma, grit, road, clock):
        Provider.objects.filter(name="plasma").update(max_jobs=2)
        acme.submits("darkroom/plasma-image")
        road.submits()
        assert read(clock).slots == [("grit", 0, None), ("plasma", 1, 2)]


class TestProcesses:
    def test_beats_age_is_that_of_the_one_seen_last(self, db, clock):
        assert read(clock).beat_age_s is None
        seen("beat", clock, ago=500)
        seen("beat", clock, ago=3)
        assert read(clock).beat_age_s == 3

    @pytest.mark.parametrize(("ago", "runs"), [(5, True), (29, True), (31, False)])
    def test_a_worker_that_is_not_seen_for_half_a_minute_does_not_run(self, db, clock, ago, runs):
        worker = seen("worker", clock, ago=ago)
        assert read(clock).running("worker") == ([worker] if runs else [])

    def test_a_worker_that_ended_does_not_run(self, db, clock):
        seen("worker", clock, ended_at=clock())
        assert read(clock).running("worker") == []


class TestTheCost:
    def test_is_the_same_number_of_queries_however_much_there_is(self, acme, bolt, plasma, grit, road, clock):
        read(clock)
        with CaptureQueriesContext(connection) as before:
            read(clock)
        for model in ("darkroom/plasma-image", "darkroom/plasma-video", "darkroom/grit-image", "darkroom/grit-video"):
            acme.submits(model)
            bolt.submits(model, priority="low")
        road.submits()
        for model in ("darkroom/plasma-image", "darkroom/grit-video"):
            acme.submits(model)
        seen("worker", clock)
        Audit.objects.create(started_at=clock(), finished_at=clock(), accounts=1, tasks=1, is_whole=True, faults=0)
        with CaptureQueriesContext(connection) as after:
            read(clock)
        assert len(before) == len(after) <= QUERIES

    def test_of_finding_the_first_row_of_each_lane_does_not_grow_with_the_rows(self, acme, plasma, clock):
        if connection.vendor != "mysql":
            pytest.skip("SQLite counts no rows read")
        for _ in range(40):
            acme.submits("darkroom/plasma-image")
        before = rows_read()
        assert [lag.lane for lag in figures._waiting(clock())] == ["darkroom/plasma-image"]
        assert rows_read() - before < 20

    def test_no_query_reads_tasks_otherwise_than_by_an_index(self, acme, plasma, clock):
        if connection.vendor != "mysql":
            pytest.skip("EXPLAIN of MariaDB and MySQL")
        acme.submits("darkroom/plasma-image")
        with CaptureQueriesContext(connection) as asked:
            read(clock)
        for query in asked.captured_queries:
            if "tasks_app_task" in query["sql"]:
                with connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN {query['sql']}")
                    names = [column[0] for column in cursor.description]
                    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
                assert not [row for row in rows if row["table"] and "task" in row["table"] and row["type"] == "ALL"], query["sql"]
