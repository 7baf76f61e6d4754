"""`manage.py install_schedule`: the code's table for a fresh install, the operator's word ever after."""

import pytest
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from config.celery import SCHEDULE, app
from tasks_app import workers

pytestmark = pytest.mark.django_db


def install():
    call_command("install_schedule", verbosity=0)


class TestAFreshInstall:
    def test_every_duty_of_the_table_is_there_with_its_period(self):
        install()
        rows = PeriodicTask.objects.exclude(task="celery.backend_cleanup").select_related("interval")
        assert {(row.name, row.task, row.interval.every, row.interval.period) for row in rows} == {
            (name, duty.task, duty.every_s, "seconds") for name, duty in SCHEDULE.items()
        }

    def test_a_wake_up_that_waited_too_long_runs_out(self):
        install()
        assert all(row.expire_seconds >= row.interval.every for row in PeriodicTask.objects.all())

    def test_each_names_a_worker_function_and_each_worker_function_has_one(self):
        functions = {name for name, value in vars(workers).items() if getattr(value, "name", None) == f"tasks_app.workers.{name}"}
        assert {duty.function for duty in SCHEDULE.values()} == functions


class TestAnOperatorChangedThings:
    @pytest.fixture
    def changed(self):
        install()
        hourly, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.HOURS)
        PeriodicTask.objects.filter(name="poll").update(interval=hourly)
        PeriodicTask.objects.filter(name="store").update(enabled=False)

    def as_the_operator_left_it(self):
        poll, store = PeriodicTask.objects.get(name="poll"), PeriodicTask.objects.get(name="store")
        return (poll.interval.every, poll.interval.period, store.enabled) == (1, "hours", False)

    def test_another_install_leaves_it(self, changed):
        install()
        assert self.as_the_operator_left_it()

    @pytest.mark.django_db(transaction=True)  # beat closes the connection that it finds
    def test_a_start_of_beat_leaves_it(self, changed):
        scheduler = DatabaseScheduler(app=app)
        assert scheduler.schedule["poll"].schedule.run_every.total_seconds() == 3600
        assert "store" not in scheduler.schedule
        assert self.as_the_operator_left_it()

    @pytest.mark.django_db(transaction=True)
    def test_beat_adds_nothing_of_its_own(self, changed):
        before = PeriodicTask.objects.count()
        DatabaseScheduler(app=app)
        assert PeriodicTask.objects.count() == before
