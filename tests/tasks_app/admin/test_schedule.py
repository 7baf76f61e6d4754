"""The schedule: an operator changes when a duty is done, and halts it."""

import pytest
from django.urls import reverse
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tasks_app.management.commands.install_schedule import install

from .conftest import text_of

pytestmark = pytest.mark.django_db


class TestADuty:
    @pytest.fixture
    def duty(self, db) -> PeriodicTask:
        install("poll", task="tasks_app.workers.poll_due", every_s=2)
        return PeriodicTask.objects.get()

    def test_takes_another_period(self, olga, duty):
        slow = IntervalSchedule.objects.create(every=30, period="seconds")
        form = {"name": "poll", "task": duty.task, "enabled": "on", "interval": slow.id, "expire_seconds": 30}
        assert olga.post(reverse("admin:django_celery_beat_periodictask_change", args=[duty.id]), form).status_code == 302
        duty.refresh_from_db()
        assert (duty.interval, duty.enabled, duty.args) == (slow, True, "[]")

    def test_names_the_duties_of_a_period(self, olga, duty):
        text = text_of(olga.get(reverse("admin:django_celery_beat_intervalschedule_change", args=[duty.interval_id])))
        assert f'href="{reverse("admin:django_celery_beat_periodictask_change", args=[duty.id])}"' in text

    def test_is_halted_from_the_list(self, olga, duty):
        olga.post(reverse("admin:django_celery_beat_periodictask_changelist"), {"action": "disable_tasks", "_selected_action": [duty.id]})
        duty.refresh_from_db()
        assert not duty.enabled

    def test_offers_the_worker_functions_there_are(self, olga, duty):
        text = text_of(olga.get(reverse("admin:django_celery_beat_periodictask_change", args=[duty.id])))
        assert '<option value="tasks_app.workers.clean_up"' in text
