"""Workers and beat report that they live."""

from datetime import timedelta
from threading import Event, Thread

import pytest
from django.db import connection

from tasks_app import processes
from tasks_app.models import Process
from tasks_app.processes import Reporter


class TestAReporter:
    def test_keeps_one_row_up_to_date(self, db, clock):
        reporter = Reporter("worker", queues={"poll", "submit"}, samples=lambda: [["n", {}, 1]])
        reporter.report(now=clock())
        clock.move(seconds=5)
        reporter.report(now=clock())
        row = Process.objects.get()
        assert (row.kind, row.queues, row.samples) == ("worker", ["poll", "submit"], [["n", {}, 1]])
        assert row.seen_at - row.started_at == timedelta(seconds=5)

    def test_says_when_it_ends(self, db, clock):
        reporter = Reporter("beat")
        reporter.report(now=clock())
        reporter.end(now=clock())
        assert Process.objects.get().ended_at == clock()

    def test_that_starts_clears_away_what_was_not_seen_for_a_day(self, db, clock):
        Reporter("worker").report(now=clock())
        clock.move(hours=23)
        Reporter("worker").report(now=clock())
        assert Process.objects.count() == 2
        clock.move(hours=2)
        Reporter("worker").report(now=clock())
        assert Process.objects.count() == 2

    def test_whose_row_went_with_a_backup_makes_a_new_one(self, db, clock):
        reporter = Reporter("worker")
        reporter.report(now=clock())
        Process.objects.all().delete()
        reporter.report(now=clock())
        assert Process.objects.count() == 1

    def test_whose_database_is_away_goes_on(self, clock, django_db_blocker):
        # Without the database mark each query is refused, as by a server that is away.
        processes.guarded(Reporter("beat").report, clock)


class TestItsThread:
    def test_reports_at_once_and_says_when_it_was_told_to_end(self, transactional_db, clock):
        if connection.vendor == "sqlite":
            pytest.skip("SQLite's test database is one connection's")
        ended = Event()
        thread = Thread(target=processes.keep_reporting, args=(Reporter("worker"), clock, ended))
        thread.start()
        ended.set()
        thread.join(10)
        assert Process.objects.get().ended_at == clock()
