"""What grows old goes, bytes first, and nothing that is still needed."""

import logging
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from providers.models import HealthChange, HealthHour, Provider, PublicModel
from tasks_app import cleanup, direct_uploads, ids
from tasks_app.engine import accept
from tasks_app.engine.accept import Problem
from tasks_app.ids import shown
from tasks_app.models import Attempt, Delivery, File, Output, Task, TaskEvent, Upload
from tasks_app.storage import storage
from tests.cast import SCHEMA, forget_rows
from tests.tasks_app.api.conftest import keep, output_of, task_of

IMAGE = "darkroom/plasma-image"
WITH_FILES = {**SCHEMA, "properties": {**SCHEMA["properties"], "image": {"type": "string", "format": "media"}}}


@pytest.fixture(autouse=True)
def storage_of_its_own(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path


@pytest.fixture(autouse=True)
def real_time(clock):
    clock.now = timezone.now()  # old rows are found by their ids, which tell the real time


@pytest.fixture
def takes_files(plasma):
    PublicModel.objects.update(input_schema=WITH_FILES)
    forget_rows()


@pytest.fixture
def done(acme, plasma, road) -> Task:
    task = acme.submits(IMAGE, webhook_url="https://hooks.example.com/")
    road.runs_dry()
    return task


@pytest.fixture
def go(clock):
    """Run one duty; how many rows went."""

    def run(duty: str, **more) -> int:
        return cleanup.run(duty, clock=clock, **more).rows

    return run


def uploaded(account_id, *, now, name="one") -> File:
    key = keep(f"files/{name}", b"x")
    return File.objects.create(account_id=account_id, name=name, content_type="image/png", bytes=1, sha256="", key=key, created_at=now)


def begun(account_id, *, now) -> Upload:
    """A direct upload, put and not completed."""
    upload = direct_uploads.begin(account_id, name="one", bytes=1, now=now).upload
    keep(upload.key, b"x")
    return upload


def files_of(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class TestASettledTask:
    def test_goes_with_all_that_belongs_to_it_when_its_keep_time_is_over(self, done, settings, clock, go):
        key = Output.objects.get().key
        clock.move(days=settings.TASK_KEEP_DAYS + 1)
        assert go("tasks") == 1
        assert not any(table.objects.exists() for table in (Task, Output, Attempt, TaskEvent, Delivery))
        with pytest.raises(FileNotFoundError):
            storage.open(key)

    def test_stays_until_then(self, done, settings, clock, go):
        clock.move(days=settings.TASK_KEEP_DAYS - 1)
        assert go("tasks") == 0

    def test_stays_for_ever_where_the_operator_says_so(self, done, settings, clock, go):
        settings.TASK_KEEP_DAYS = 0
        clock.move(days=10_000)
        assert go("tasks") == 0

    def test_can_be_deleted_by_its_account_alone(self, done, acme, bolt):
        with pytest.raises(Problem) as refused:
            cleanup.remove(done.id, bolt.id)
        assert refused.value.status == 404
        cleanup.remove(done.id, acme.id)
        assert not Task.objects.exists()

    def test_gives_its_idempotency_key_back_with_its_row(self, acme, plasma, clock, go, settings):
        first = acme.submits(IMAGE, idempotency_key="k")
        acme.cancels(first)
        clock.move(days=settings.TASK_KEEP_DAYS + 1)
        assert go("tasks") == 1
        assert acme.submits(IMAGE, idempotency_key="k").id != first.id


class TestADelivery:
    @pytest.fixture
    def old(self, acme, plasma, clock, settings):
        """Five deliveries that are over, a day past their keep time."""
        for _ in range(5):
            acme.cancels(acme.submits(IMAGE, webhook_url="https://hooks.example.com/"))
        Delivery.objects.update(status="delivered", due_at=None, finished_at=clock())
        clock.move(days=settings.DELIVERY_KEEP_DAYS + 1)

    def test_goes_when_its_keep_time_is_over_in_batches_until_none_is_left(self, old, clock):
        assert cleanup.run_once(clock=clock, limit=2)["deliveries"].rows == 5
        assert not Delivery.objects.exists()
        assert Task.objects.count() == 5

    def test_stays_until_then_or_for_ever(self, old, clock, settings, go):
        clock.move(days=-2)
        assert go("deliveries") == 0
        settings.DELIVERY_KEEP_DAYS = 0
        clock.move(days=10_000)
        assert go("deliveries") == 0

    @pytest.mark.parametrize("status", ["pending", "sending"])
    def test_stays_while_it_is_on_its_way(self, old, status, go):
        Delivery.objects.update(status=status)
        assert go("deliveries") == 0


class TestTheHistoryOfProvidersHealth:
    @pytest.fixture
    def old(self, plasma, clock, settings):
        """Three hours and three changes, a day past their keep time, and one of each that is not."""
        provider = Provider.objects.get()
        for at in (*(clock() + timedelta(hours=n) for n in range(3)), clock() + timedelta(days=2)):
            HealthHour.objects.create(provider=provider, model=IMAGE, door="poll", hour=at, good=1)
            HealthChange.objects.create(provider=provider, what="submit", state="open", at=at)
        clock.move(days=settings.HEALTH_KEEP_DAYS + 1)

    def test_goes_when_its_keep_time_is_over(self, old, go):
        assert (go("health"), go("changes")) == (3, 3)
        assert (HealthHour.objects.count(), HealthChange.objects.count()) == (1, 1)

    def test_stays_for_ever_where_the_operator_says_so(self, old, go, settings):
        settings.HEALTH_KEEP_DAYS = 0
        assert (go("health"), go("changes")) == (0, 0)


class TestAWaitingTask:
    def test_expires_at_its_deadline_and_has_its_credits_back(self, acme, plasma, clock, go):
        acme.submits(IMAGE, expires_in=60)
        clock.move(seconds=59)
        assert go("expired") == 0
        clock.move(seconds=1)
        assert go("expired") == 1
        assert (Task.objects.get().status, acme.held) == ("expired", 0)


class TestAnOpenTask:
    def test_is_never_deleted_however_old(self, acme, plasma, clock, go):
        task = acme.submits(IMAGE)
        clock.move(days=1000)
        assert go("tasks") == 0
        with pytest.raises(Problem) as refused:
            cleanup.remove(task.id, acme.id)
        assert refused.value.status == 409


class TestAnUploadedFile:
    def test_goes_when_its_keep_time_is_over(self, acme, settings, clock, go):
        uploaded(acme.id, now=clock())
        clock.move(days=settings.FILE_KEEP_DAYS + 1)
        assert (go("files"), File.objects.count()) == (1, 0)
        with pytest.raises(FileNotFoundError):
            storage.open("files/one")

    def test_stays_while_an_open_task_names_it_however_deep(self, acme, plasma, settings, clock, go):
        file = uploaded(acme.id, now=clock())
        task = acme.submits(IMAGE)
        Task.objects.filter(id=task.id).update(input={"clips": [{"url": ids.shown("file", file.id)}]})
        clock.move(days=settings.FILE_KEEP_DAYS + 1)
        assert (go("files"), File.objects.count()) == (0, 1)
        assert not cleanup.remove_file(file)
        acme.cancels(task)
        assert (go("files"), File.objects.count()) == (1, 0)

    def test_that_stays_holds_up_none_behind_it(self, acme, plasma, settings, clock, go):
        kept = [uploaded(acme.id, now=clock(), name=f"kept-{number}") for number in range(4)]
        Task.objects.filter(id=acme.submits(IMAGE).id).update(input={"images": [ids.shown("file", file.id) for file in kept]})
        for number in range(3):
            uploaded(acme.id, now=clock(), name=f"gone-{number}")  # all in the same moment
        clock.move(days=settings.FILE_KEEP_DAYS + 1)
        assert go("files", limit=2) == 3
        assert set(File.objects.values_list("id", flat=True)) == {file.id for file in kept}


class TestAnUploadThatNobodyCompletes:
    def test_goes_with_what_was_put_a_day_later(self, acme, clock, go):
        upload = begun(acme.id, now=clock())
        clock.move(hours=24)
        assert go("uploads") == 0
        clock.move(hours=2)
        assert (go("uploads"), Upload.objects.count(), storage.size(upload.key)) == (1, 0, None)

    def test_goes_where_nothing_was_put_as_well(self, acme, clock, go):
        storage.delete(begun(acme.id, now=clock()).key)
        clock.move(hours=26)
        assert (go("uploads"), Upload.objects.count()) == (1, 0)

    def test_leaves_the_file_alone_that_was_made_of_it_before_the_process_died(self, acme, clock, go):
        upload = begun(acme.id, now=clock())
        storage.copy(upload.key, key := f"files/{ids.shown('file', upload.id)}/1")
        columns = {"name": "one", "content_type": "image/png", "bytes": 1, "sha256": "", "key": key, "created_at": clock()}
        File.objects.create(id=upload.id, account_id=acme.id, **columns)
        clock.move(hours=26)
        assert (go("uploads"), File.objects.count(), storage.size(key), storage.size(upload.key)) == (1, 1, 1, None)


class TestAnOutputThatATaskUses:
    @pytest.fixture
    def used(self, acme, takes_files, done) -> Task:
        """A waiting task whose input is an output of `done`."""
        user = acme.submits(IMAGE)
        Task.objects.filter(id=user.id).update(input={"prompt": "x", "image": f"{done}/0"})
        return user

    def test_stays_with_its_task_until_that_is_over(self, acme, done, used, clock, settings, go):
        clock.move(days=settings.TASK_KEEP_DAYS + 1)
        assert go("tasks") == 0
        with pytest.raises(Problem) as refused:
            cleanup.remove(done.id, acme.id)
        assert (refused.value.status, refused.value.code) == (409, "not_deletable")
        acme.cancels(used)
        cleanup.remove(done.id, acme.id)
        assert list(Task.objects.values_list("id", flat=True)) == [used.id]


class TestANewTaskThatNamesWhatGrowsOld:
    """Between the end of a file's keep time and its deletion lies an hour in which no new task can name it."""

    @pytest.fixture
    def file(self, acme, takes_files, clock) -> File:
        return uploaded(acme.id, now=clock())

    @pytest.fixture
    def asks(self, acme):
        def ask(reference: str) -> Task:
            order = accept.Order(model=IMAGE, input={"prompt": "a red fox", "image": reference})
            return accept.one(acme.id, order, now=acme.clock()).task

        return ask

    @pytest.mark.parametrize("seconds", [0, 3600])
    def test_is_refused_a_file_from_the_end_of_its_keep_time_on_though_it_is_there(self, file, asks, clock, settings, go, seconds):
        clock.move(days=settings.FILE_KEEP_DAYS, seconds=seconds)
        assert go("files") == 0
        with pytest.raises(Problem) as refused:
            asks(ids.shown("file", file.id))
        assert (refused.value.errors[0]["field"], refused.value.code) == ("image", "invalid_input")
        clock.move(seconds=3601 - seconds)
        assert go("files") == 1

    def test_is_refused_an_old_output_likewise(self, done, takes_files, asks, clock, settings, go):
        clock.move(days=settings.TASK_KEEP_DAYS)
        assert go("tasks") == 0
        with pytest.raises(Problem):
            asks(f"{done}/0")

    def test_keeps_what_it_was_accepted_for_as_long_as_it_is_open(self, file, asks, clock, settings, go):
        clock.move(days=settings.FILE_KEEP_DAYS, seconds=-1)
        asks(ids.shown("file", file.id))
        clock.move(days=3)
        assert go("files") == 0

    @pytest.mark.django_db(transaction=True)
    def test_finds_its_file_though_the_clean_up_runs_between_its_look_and_its_commit(self, file, asks, clock, settings):
        """The race: accept has seen the file, whose keep time then ends, and clean-ups run before the task is there to be seen."""
        if connection.vendor != "mysql":
            pytest.skip("SQLite lets one write at a time")
        clock.move(days=settings.FILE_KEEP_DAYS, seconds=-1)
        with before_the_insert(lambda: at_another_connection(cleanup.run, "files", clock=ahead(clock, minutes=59))) as runs:
            asks(ids.shown("file", file.id))
        assert runs == [0]
        clock.move(days=3)
        assert cleanup.run("files", clock=clock).rows == 0
        assert storage.size(file.key) == 1


def ahead(clock, **delta):
    moment: datetime = clock() + timedelta(**delta)
    return lambda: moment


def at_another_connection(work, *arguments, **more) -> int:
    def run():
        try:
            return work(*arguments, **more).rows
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(20)


@contextmanager
def before_the_insert(work):
    """Do `work` when this connection is about to write a task; what it gave, as a list."""
    given: list = []

    def between(execute, sql, params, many, context):
        if "INSERT INTO tasks_app_task " in sql and not given:
            given.append(work())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(between):
        yield given


class TestADryRun:
    @pytest.fixture
    def old(self, acme, plasma, clock, settings, tmp_path):
        """Something for every duty, some of it kept by an open task; a day past every keep time."""
        for number in range(5):
            task = task_of(acme, status="succeeded", captured=0, created_at=clock(), finished_at=clock())
            output_of(task, b"12345", thumbnail=b"1")
            file = uploaded(acme.id, now=clock(), name=f"file-{number}")
        begun(acme.id, now=clock())
        acme.cancels(acme.submits(IMAGE, webhook_url="https://hooks.example.com/"))
        Delivery.objects.update(status="delivered", due_at=None, finished_at=clock())
        user = acme.submits(IMAGE)
        Task.objects.filter(id=user.id).update(input={"images": [ids.shown("file", file.id), f"{task}/0"]}, status="storing", lane="")
        acme.submits(IMAGE, expires_in=60)
        for named in (task, user):
            keep(f"inputs/{shown('task', named.id)}/0", b"x")
        (tmp_path / ".drafts").mkdir(exist_ok=True)
        for name in ("one", "two", "three"):
            (tmp_path / ".drafts" / name).write_bytes(b"half")
            os.utime(tmp_path / ".drafts" / name, (0, 0))
        provider = Provider.objects.get()
        for model in ("a", "b"):
            HealthHour.objects.create(provider=provider, model=model, door="poll", hour=clock())
        HealthChange.objects.create(provider=provider, what="check", state="failing", at=clock())
        keep_days = (settings.TASK_KEEP_DAYS, settings.FILE_KEEP_DAYS, settings.DELIVERY_KEEP_DAYS, settings.HEALTH_KEEP_DAYS)
        clock.move(days=max(keep_days) + 1)

    def rows(self) -> dict:
        return {table: list(table.objects.order_by("pk").values()) for table in apps.get_app_config("tasks_app").get_models()}

    def test_changes_nothing(self, old, clock, tmp_path):
        before = self.rows(), files_of(tmp_path)
        found = {name: cleanup.run(name, clock=clock, is_dry=True).rows for name in cleanup.DUTIES}
        assert found == {
            "expired": 1,
            "tasks": 5,
            "files": 4,
            "uploads": 1,
            "deliveries": 1,
            "inputs": 1,
            "health": 2,
            "changes": 1,
            "drafts": 3,
        }
        assert (self.rows(), files_of(tmp_path)) == before

    @pytest.mark.parametrize("limit", [1, 2, 200])
    @pytest.mark.parametrize("duty", cleanup.DUTIES)
    def test_finds_exactly_what_the_real_one_removes(self, old, clock, duty, limit):
        foretold = cleanup.run(duty, clock=clock, limit=limit, is_dry=True)
        removed = cleanup.run(duty, clock=clock, limit=limit)
        assert removed == foretold
        assert removed.rows
        assert removed.oldest
        assert cleanup.run(duty, clock=clock, is_dry=True) == cleanup.Done()

    def test_counts_the_bytes_and_tells_the_oldest(self, old, clock):
        tasks = cleanup.run("tasks", clock=clock, is_dry=True)
        assert (tasks.bytes, tasks.oldest) == (20, Task.objects.filter(status="succeeded").earliest("id").finished_at)
        assert cleanup.run("drafts", clock=clock, is_dry=True).bytes == 12

    def test_and_the_real_one_are_told_by_the_shell(self, old, clock, settings):
        settings.TASK_KEEP_DAYS = 0
        Task.objects.filter(status="queued").update(deadline_at=timezone.now() - timedelta(days=1))
        File.objects.update(created_at=datetime(2026, 1, 2, 3, 4, tzinfo=clock().tzinfo))
        called = {}
        for name, arguments in (("dry", ["--dry-run"]), ("real", []), ("again", ["files", "drafts"])):
            call_command("cleanup", *arguments, stdout=(out := StringIO()))
            called[name] = out.getvalue().splitlines()
        assert called["dry"][2] == "  files               4 rows    4 bytes  oldest 2026-01-02 03:04"
        assert called["dry"][-1] == "Nothing was changed."
        assert called["real"] == [*called["dry"][:-1], "They are gone."]
        assert [line.split()[:2] for line in called["again"][:-1]] == [["files", "0"], ["drafts", "0"]]


class TestARun:
    def test_says_what_it_did(self, done, clock, settings, caplog):
        clock.move(days=settings.TASK_KEEP_DAYS + 1)
        with caplog.at_level(logging.INFO, logger="tasks_app.cleanup"):
            cleanup.run_once(clock=clock)
        (line,) = [record for record in caplog.records if getattr(record, "event", "") == "cleaned_up"]
        assert (line.tasks, line.bytes > 0, hasattr(line, "files")) == (1, True, False)

    def test_that_is_cut_short_is_finished_by_the_next(self, done, clock, settings, go):
        clock.move(days=settings.TASK_KEEP_DAYS + 1)
        storage.delete(Output.objects.get().key)  # the bytes went, and the process with them
        assert go("tasks") == 1
        assert not Output.objects.exists()

    def test_goes_on_where_one_duty_fails(self, done, acme, clock, settings, tmp_path, caplog):
        uploaded(acme.id, now=clock())
        File.objects.update(key="../no key")
        clock.move(days=settings.TASK_KEEP_DAYS + 1)
        assert "files" not in cleanup.run_once(clock=clock)
        assert "clean-up of files failed" in caplog.text
        assert not Task.objects.exists()

    def test_leaves_the_rest_to_the_next_where_there_is_too_much(self, acme, clock, settings):
        for number in range(5):
            uploaded(acme.id, now=clock(), name=f"file-{number}")
        clock.move(days=settings.FILE_KEEP_DAYS + 1)
        assert [cleanup.run_once(clock=clock, limit=1, batches=3)["files"].rows for _ in range(2)] == [3, 2]


def test_a_draft_that_a_killed_worker_left_goes_after_a_day(db, clock, settings):
    drafts = settings.STORAGE_DIR / ".drafts"
    drafts.mkdir(parents=True)
    for name, age in (("old", timedelta(hours=25)), ("new", timedelta(hours=1))):
        (drafts / name).write_bytes(b"half")
        when = (clock() - age).timestamp()
        os.utime(drafts / name, (when, when))
    assert cleanup.run_once(clock=clock)["drafts"].rows == 1
    assert [draft.name for draft in drafts.iterdir()] == ["new"]


def test_inputs_that_came_when_their_task_was_over_go_and_those_of_open_ones_stay(acme, plasma, settings, clock):
    over, waits = acme.submits(IMAGE), acme.submits(IMAGE)
    acme.cancels(over)
    for task in (shown("task", over.id), shown("task", waits.id), shown("task", ids.new())):
        keep(f"inputs/{task}/0", b"x")
    assert cleanup.run_once(clock=clock)["inputs"].rows == 2
    assert [folder.name for folder in (settings.STORAGE_DIR / "inputs").iterdir()] == [shown("task", waits.id)]
