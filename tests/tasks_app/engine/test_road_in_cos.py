"""The whole road with a bucket at its end."""

import logging
from hashlib import sha256
from queue import SimpleQueue
from time import monotonic

import pytest

from providers.models import Provider
from tasks_app import cleanup, ids
from tasks_app.engine import loop
from tasks_app.models import Output, Task
from tasks_app.storage import Unwritable, storage
from tasks_app.storage.cos_wire import TIMEOUTS
from tests.cast import forget_rows
from tests.upstreams import answer, cut_before_answer, cut_midway, hang

IMAGE, VIDEO = "darkroom/plasma-image", "darkroom/plasma-video"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path
    return tmp_path


@pytest.fixture
def inline(plasma, settings):
    """plasma, with the pictures in its answers."""
    settings.ADAPTERS = [*settings.ADAPTERS, "tests.upstreams.inline_adapter"]
    Provider.objects.update(adapter="inline_adapter")
    forget_rows()
    plasma.instant = True
    return plasma


@pytest.fixture
def logged():
    """What the storage logs, as it does so, on whatever thread."""
    lines = SimpleQueue()

    class Keep(logging.Handler):
        def emit(self, record):
            lines.put(record.getMessage())

    logger, handler = logging.getLogger("tasks_app.storage.store"), Keep()
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def files_below(folder) -> list:
    return [path for path in folder.rglob("*") if path.is_file()]


class TestAResult:
    def test_lies_in_the_bucket_with_its_thumbnail_and_not_on_disk(self, acme, plasma, road, in_cos, folder):
        task = acme.submits(VIDEO)
        road.runs_dry()
        task.refresh_from_db()
        output = Output.objects.get(task_id=task.id)
        assert (task.status, output.content_type, bool(output.width and output.duration)) == ("succeeded", "video/mp4", True)
        name = f"outputs/{ids.shown('task', task.id)}/0"
        assert sorted(in_cos.objects) == [name, f"{name}.thumbnail"] == [output.key, output.thumbnail_key]
        content = in_cos.objects[name]
        assert (content.bytes, sha256(content.read()).hexdigest()) == (output.bytes, output.sha256)
        assert [one.headers["content-type"] for one in in_cos.objects.values()] == ["video/mp4", "image/webp"]
        assert files_below(folder) == []

    def test_waits_for_a_bucket_that_is_away_and_is_bought_once(self, acme, plasma, road, in_cos):
        in_cos.will(answer(503), at="put", times=3)  # as often as one call tries
        in_cos.will(cut_before_answer(accepts=False), at="put")
        task = acme.submits(IMAGE)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, plasma.bought, plasma.fetched.total()) == ("succeeded", 1, 2)

    def test_that_the_bucket_refuses_for_good_is_lost_in_the_end_and_not_bought_again(self, acme, plasma, road, in_cos):
        in_cos.will(answer(403), at="put", times=1000)
        task = acme.submits(IMAGE)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, task.error_code, task.flagged, plasma.bought) == ("failed", "result_lost", True, 1)
        assert in_cos.objects == {}

    def test_goes_with_its_task(self, acme, plasma, road, in_cos):
        tasks = [acme.submits(IMAGE, n=2) for _ in range(2)]
        road.runs_dry()
        assert len(in_cos.objects) == 8
        cleanup.remove(tasks[0].id, acme.id)
        assert {key.split("/")[1] for key in in_cos.objects} == {ids.shown("task", tasks[1].id)}
        assert in_cos.requests["delete_many"] == 1

    def test_stays_with_its_task_while_the_bucket_is_away(self, acme, plasma, road, in_cos):
        task = acme.submits(IMAGE)
        road.runs_dry()
        in_cos.will(answer(403), at="delete_many")
        with pytest.raises(Unwritable):
            cleanup.remove(task.id, acme.id)
        assert Task.objects.filter(id=task.id).exists()
        cleanup.remove(task.id, acme.id)
        assert (in_cos.objects, Task.objects.exists()) == ({}, False)


class TestAResultThatCameInTheAnswer:
    @pytest.mark.django_db(transaction=True)
    def test_lies_in_the_bucket_until_it_is_an_output(self, acme, inline, road, in_cos):
        acme.submits(IMAGE)
        road.submits()
        (found,) = in_cos.objects
        assert found.startswith("found/task_")
        road.runs_dry()
        assert Output.objects.get().key in in_cos.objects
        in_cos.wait_until(lambda cos: found not in cos.objects)

    def test_is_read_to_its_end_over_a_wire_that_breaks(self, acme, inline, road, in_cos):
        in_cos.will(cut_midway(), at="get")
        task = acme.submits(IMAGE)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, inline.bought) == ("succeeded", 1)

    def test_waits_for_a_bucket_that_is_away(self, acme, inline, road, in_cos):
        in_cos.will(answer(503), at="put", times=3)
        task = acme.submits(IMAGE)
        road.runs_dry()
        task.refresh_from_db()
        assert (task.status, inline.bought, in_cos.requests["put"]) == ("succeeded", 1, 6)

    @pytest.mark.django_db(transaction=True)
    def test_that_cannot_be_deleted_is_logged_and_no_more(self, acme, inline, road, in_cos, logged):
        in_cos.will(answer(403), at="list")
        task = acme.submits(IMAGE)
        road.runs_dry()
        task.refresh_from_db()
        assert task.status == "succeeded"
        assert "stays" in logged.get(timeout=10)

    @pytest.mark.django_db(transaction=True)
    def test_holds_up_no_outcome_while_the_bucket_hangs(self, acme, inline, road, in_cos, logged):
        in_cos.will(hang(), at="list")
        acme.submits(IMAGE)
        began = monotonic()
        road.runs_dry()
        assert monotonic() - began < TIMEOUTS[1]
        in_cos.wait_until(lambda cos: cos.requests["list"] == 1)
        in_cos.stop()
        assert "stays" in logged.get(timeout=30)


class TestATaskWhoseResultsCameByUrl:
    @pytest.mark.django_db(transaction=True)
    def test_asks_the_bucket_for_no_list_when_it_ends(self, acme, plasma, road, in_cos):
        acme.submits(IMAGE)
        road.runs_dry()
        loop.start(storage.forget("found/another")).result(10)  # whatever the task's end began is begun by now
        assert in_cos.requests == {"put": 2, "list": 1}
