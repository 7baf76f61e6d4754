"""What grows old goes, bytes first, and nothing that is still needed."""

import asyncio
import os
from datetime import timedelta

import pytest
from django.utils import timezone

from tasks_app import cleanup, ids
from tasks_app.engine.accept import Problem
from tasks_app.models import Attempt, Delivery, File, Output, Task, TaskEvent
from tasks_app.storage import storage

IMAGE = "darkroom/plasma-image"


@pytest.fixture(autouse=True)
def storage_of_its_own(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path


@pytest.fixture
def done(acme, plasma, road, clock) -> Task:
    clock.now = timezone.now()  # old rows are found by their ids, which tell the real time
    task = acme.submits(IMAGE, webhook_url="https://hooks.example.com/")
    road.runs_dry()
    return task


def uploaded(account_id, *, now, key="files/one") -> File:
    async def once():
        yield b"x"

    asyncio.run(storage.put(key, once(), content_type="image/png", limit=1))
    return File.objects.create(account_id=account_id, name="x", content_type="image/png", bytes=1, sha256="", key=key, created_at=now)


class TestASettledTask:
    def test_goes_with_all_that_belongs_to_it_when_its_keep_time_is_over(self, done, settings, clock):
        key = Output.objects.get().key
        clock.move(days=settings.TASK_KEEP_DAYS + 1)
        assert cleanup.remove_old_tasks(clock=clock, limit=10) == 1
        assert not any(table.objects.exists() for table in (Task, Output, Attempt, TaskEvent, Delivery))
        with pytest.raises(FileNotFoundError):
            storage.open(key)

    def test_stays_until_then(self, done, settings, clock):
        clock.move(days=settings.TASK_KEEP_DAYS - 1)
        assert cleanup.remove_old_tasks(clock=clock, limit=10) == 0

    def test_stays_for_ever_where_the_operator_says_so(self, done, settings, clock):
        settings.TASK_KEEP_DAYS = 0
        clock.move(days=10_000)
        assert cleanup.remove_old_tasks(clock=clock, limit=10) == 0

    def test_can_be_deleted_by_its_account_alone(self, done, acme, bolt):
        with pytest.raises(Problem) as refused:
            cleanup.remove(done.id, bolt.id)
        assert refused.value.status == 404
        cleanup.remove(done.id, acme.id)
        assert not Task.objects.exists()


class TestADelivery:
    @pytest.fixture
    def old(self, acme, plasma, clock, settings):
        """Five deliveries that are over, a day past their keep time."""
        clock.now = timezone.now()
        for _ in range(5):
            acme.cancels(acme.submits(IMAGE, webhook_url="https://hooks.example.com/"))
        Delivery.objects.update(status="delivered", due_at=None, finished_at=clock())
        clock.move(days=settings.DELIVERY_KEEP_DAYS + 1)

    def test_goes_when_its_keep_time_is_over_in_batches_until_none_is_left(self, old, clock):
        assert cleanup.run_once(clock=clock, limit=2)["deliveries"] == 5
        assert not Delivery.objects.exists()
        assert Task.objects.count() == 5

    def test_stays_until_then_or_for_ever(self, old, clock, settings):
        clock.move(days=-2)
        assert cleanup.remove_old_deliveries(clock=clock, limit=10) == 0
        settings.DELIVERY_KEEP_DAYS = 0
        clock.move(days=10_000)
        assert cleanup.remove_old_deliveries(clock=clock, limit=10) == 0

    @pytest.mark.parametrize("status", ["pending", "sending"])
    def test_stays_while_it_is_on_its_way(self, old, clock, status):
        Delivery.objects.update(status=status)
        assert cleanup.remove_old_deliveries(clock=clock, limit=10) == 0


class TestAnOpenTask:
    def test_is_never_deleted_however_old(self, acme, plasma, clock):
        task = acme.submits(IMAGE)
        clock.move(days=1000)
        assert cleanup.remove_old_tasks(clock=clock, limit=10) == 0
        with pytest.raises(Problem) as refused:
            cleanup.remove(task.id, acme.id)
        assert refused.value.status == 409


class TestAnUploadedFile:
    def test_goes_when_its_keep_time_is_over(self, acme, settings, clock):
        uploaded(acme.id, now=clock())
        clock.move(days=settings.FILE_KEEP_DAYS + 1)
        assert (cleanup.remove_old_files(clock=clock, limit=10), File.objects.count()) == (1, 0)
        with pytest.raises(FileNotFoundError):
            storage.open("files/one")

    def test_stays_while_an_open_task_names_it(self, acme, plasma, settings, clock):
        file = uploaded(acme.id, now=clock())
        task = acme.submits(IMAGE)
        Task.objects.filter(id=task.id).update(input={"image": ids.shown("file", file.id)})
        clock.move(days=settings.FILE_KEEP_DAYS + 1)
        assert (cleanup.remove_old_files(clock=clock, limit=10), File.objects.count()) == (0, 1)


def test_a_draft_that_a_killed_worker_left_goes_after_a_day(db, clock, settings):
    drafts = settings.STORAGE_DIR / ".drafts"
    drafts.mkdir(parents=True)
    for name, age in (("old", timedelta(hours=25)), ("new", timedelta(hours=1))):
        (drafts / name).write_bytes(b"half")
        when = (clock() - age).timestamp()
        os.utime(drafts / name, (when, when))
    assert cleanup.run_once(clock=clock, limit=10)["drafts"] == 1
    assert [draft.name for draft in drafts.iterdir()] == ["new"]
