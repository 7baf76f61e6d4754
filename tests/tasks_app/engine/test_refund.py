"""What a task captured, given back by the operator."""

import pytest

from accounts.models import LedgerEntry
from tasks_app.engine import refund
from tasks_app.engine.accept import Problem
from tasks_app.ids import new, shown
from tasks_app.models import Task, TaskEvent


@pytest.fixture
def paid(acme, plasma, road) -> Task:
    task = acme.submits("darkroom/plasma-video", duration=5)
    road.runs_dry()
    task.refresh_from_db()
    assert (task.captured, acme.balance) == (10, 990)
    return task


def give_back(task: Task, clock, *, note: str = "green faces") -> int:
    return refund.request(task.id, by="olga", note=note, now=clock())


class TestATaskThatCaptured:
    def test_gives_all_of_it_back(self, acme, paid, clock):
        assert give_back(paid, clock) == 10
        assert (acme.balance, acme.held) == (1000, 0)

    def test_is_in_the_ledger_with_who_and_why(self, paid, clock):
        give_back(paid, clock)
        entry = LedgerEntry.objects.get(kind="refund")
        assert (entry.amount, entry.reference, entry.by, entry.note) == (10, shown("task", paid.id), "olga", "green faces")

    def test_says_so_in_its_own_events(self, paid, clock):
        give_back(paid, clock)
        event = TaskEvent.objects.filter(task_id=paid.id).latest("id")
        assert (event.status, event.detail, event.by) == ("succeeded", {"refunded": 10, "note": "green faces"}, "olga")

    def test_gives_back_once(self, acme, paid, clock):
        give_back(paid, clock)
        with pytest.raises(Problem) as refused:
            give_back(paid, clock)
        assert (refused.value.status, refused.value.code) == (409, "not_refundable")
        assert (acme.balance, TaskEvent.objects.filter(by="olga").count()) == (1000, 1)


class TestRefused:
    def test_where_nothing_was_captured(self, acme, plasma, clock):
        with pytest.raises(Problem) as refused:
            give_back(acme.submits("darkroom/plasma-image"), clock)
        assert refused.value.code == "not_refundable"
        assert not LedgerEntry.objects.filter(kind="refund").exists()

    def test_where_there_is_no_such_task(self, db, clock):
        with pytest.raises(Problem) as refused:
            refund.request(new(), by="olga", note="", now=clock())
        assert refused.value.status == 404
