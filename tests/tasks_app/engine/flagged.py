"""What the tests of flags share: tasks that ended in doubt, each with its one open flag."""

import asyncio
from collections.abc import Callable

import pytest

from tasks_app.engine import loop, poll, recover, submit
from tasks_app.engine.claims import LEASE
from tasks_app.models import Flag, Output, Task, TaskEvent
from tests.upstreams import cut_before_answer

GRIT, PLASMA = "darkroom/grit-image", "darkroom/plasma-image"
BY = {"by": "olga", "note": "seen in the console"}


@pytest.fixture
def unknown(acme, grit, road, own_storage) -> Callable[[], Flag]:
    """Buy something of grit's whose answer is lost; it knows no token, so nobody can ask what became of it."""

    def make() -> Flag:
        grit.will(cut_before_answer())
        task = acme.submits(GRIT)
        road.submits()
        return flag_of(task)

    return make


@pytest.fixture
def quarantined(acme, plasma, road, own_storage) -> Callable[[str], Flag]:
    """Have three workers die in a row with a task of plasma's, while it is submitting or running."""

    def make(status: str) -> Flag:
        plasma.manual = True
        task = acme.submits(PLASMA)
        if status == "running":
            road.submits()
            road.clock.move(seconds=5)
        for _ in range(4):
            {"submitting": submit, "running": poll}[status].take(10, road.clock)
            road.clock.move(seconds=LEASE.total_seconds())
        return flag_of(task)

    return make


async def _all_done() -> None:
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def upstream_loop_is_idle() -> None:
    """Wait for all that was begun on the event loop and left to itself."""
    loop.start(_all_done()).result(10)


def flag_of(task: Task) -> Flag:
    return Flag.objects.get(task_id=task.id)


def task_of(flag: Flag) -> Task:
    return Task.objects.get(id=flag.task_id)


def is_flagged(flag: Flag) -> bool:
    return task_of(flag).flagged


def recovers(road, *, rounds: int = 1) -> None:
    for _ in range(rounds):
        recover.run(road.clock)
        road.clock.move(seconds=15)


def said(flag: Flag) -> list[tuple[str, dict]]:
    """What the task's events say of what olga did, in order, with the status they stand beside."""
    events = TaskEvent.objects.filter(task_id=flag.task_id, by="olga").order_by("id")
    return [(event.status, {name: value for name, value in event.detail.items() if name not in ("attempt", "reason")}) for event in events]


def client_sees(acme, flag: Flag) -> tuple:
    """What a client can see of the task, and of its own credits."""
    task = task_of(flag)
    return task.status, task.error_code, task.captured, list(Output.objects.filter(task_id=task.id)), acme.balance, acme.held
