"""Each row of the event log is read once, whenever it is committed; and what a task was tells what is a change of it."""

import pytest
from django.utils import timezone

from tasks_app.models import TaskEvent
from tasks_app.watch import log
from tasks_app.watch.log import LATE_S, EventLog
from tests.tasks_app.api.conftest import task_of

pytestmark = pytest.mark.django_db


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Clock:
    return Clock()


@pytest.fixture
def writes(acme):
    """Write rows of these numbers, as transactions do that are committed now."""
    task = task_of(acme)

    def write(*ids: int) -> None:
        for id in ids:
            TaskEvent.objects.create(id=id, task_id=task.id, status="running", created_at=timezone.now())

    return write


def numbers(changes) -> list[int]:
    return [change.id for change in changes]


class TestARow:
    def test_from_before_is_not_read(self, writes):
        writes(1, 2)
        assert EventLog().read() == []

    def test_is_read_once(self, writes):
        followed = EventLog()
        writes(1, 2)
        assert numbers(followed.read()) == [1, 2]
        writes(3)
        assert numbers(followed.read()) == [3]

    def test_that_is_committed_after_a_later_one_is_read(self, writes, watch):
        followed = EventLog(watch)
        writes(1, 3)
        assert numbers(followed.read()) == [1, 3]
        watch.now += LATE_S - 1
        writes(2)
        assert numbers(followed.read()) == [2]

    def test_that_was_being_written_when_the_reading_began_is_read(self, writes):
        writes(5, 7)
        followed = EventLog()
        writes(6)
        assert numbers(followed.read()) == [6]

    def test_is_read_however_many_there_are(self, writes, monkeypatch):
        monkeypatch.setattr(log, "AT_ONCE", 2)
        followed = EventLog()
        writes(1, 2, 3, 4, 5)
        assert numbers(followed.read()) == [1, 2, 3, 4, 5]


class TestTheFloor:
    def test_rises_with_what_is_read(self, writes):
        followed = EventLog()
        writes(1, 2)
        followed.read()
        assert followed.floor == 2

    def test_stays_below_a_number_that_may_still_come(self, writes, watch):
        followed = EventLog(watch)
        writes(1, 3)
        followed.read()
        assert followed.floor == 1

    def test_passes_a_number_that_can_come_no_more(self, writes, watch):
        followed = EventLog(watch)
        writes(1, 3)
        followed.read()
        watch.now += LATE_S
        followed.read()
        assert followed.floor == 3

    def test_keeps_no_row_in_mind_that_lies_below_it(self, writes, watch):
        followed = EventLog(watch)
        writes(*range(1, 50))
        followed.read()
        assert followed._seen == set()


class TestTheChangesOfATask:
    def test_are_its_rows_with_another_status_than_before(self, acme, moves):
        task = task_of(acme)
        for status in ("submitting", "running", "running", "storing", "succeeded", "succeeded"):
            moves(task, status)
        assert [change.status for change in log.of_task(task.id)] == ["submitting", "running", "storing", "succeeded"]

    def test_are_those_after_the_one_that_is_known(self, acme, moves):
        task = task_of(acme)
        moves(task, "submitting")
        known = log.newest_of(task.id)
        moves(task, "submitting")
        moves(task, "running")
        assert [change.status for change in log.of_task(task.id, after=known)] == ["running"]

    def test_are_none_of_another_task(self, acme, moves):
        task, other = task_of(acme), task_of(acme)
        moves(other, "submitting")
        assert log.of_task(task.id) == []
        assert log.newest_of(task.id) == 0
