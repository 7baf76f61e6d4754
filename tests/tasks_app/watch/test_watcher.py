"""What waits for a client is bounded: the latest progress of each task, and so many changes."""

import asyncio
from datetime import UTC, datetime

from tasks_app import ids
from tasks_app.watch.log import Change
from tasks_app.watch.look import Sight
from tasks_app.watch.watcher import MOST_BEHIND, MOST_BEHIND_BYTES, Watcher

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TASK = ids.new()


def sight(id: int, status: str = "running", task_id=TASK, task: bytes = b"{}") -> Sight:
    return Sight(1, Change(id, task_id, status, NOW), task)


def told(watcher: Watcher) -> list[int]:
    return [one.change.id for one in watcher.take().sights]


def everything(watcher: Watcher) -> list[int]:
    return [number for piece in iter(lambda: told(watcher), []) for number in piece]


class TestChanges:
    def test_are_told_in_their_order_and_once(self):
        watcher = Watcher(1, TASK)
        watcher.begin()
        watcher.see(sight(1), 1)
        watcher.see(sight(2), 2)
        assert (told(watcher), told(watcher)) == ([1, 2], [])

    def test_that_stood_in_the_beginning_are_left_out(self):
        watcher = Watcher(1, TASK)
        watcher.see(sight(3), 4)
        watcher.see(sight(4), 4)
        watcher.begin(3)
        watcher.see(sight(2), 4)
        assert told(watcher) == [4]

    def test_of_a_new_task_come_to_the_account_alone_and_not_if_it_was_shown(self):
        shown, newer = ids.new(), ids.new()
        watcher = Watcher(1)
        watcher.begin(newest=shown)
        watcher.see(sight(0, "queued", shown), 1)
        watcher.see(sight(0, "queued", newer), 1)
        assert [one.change.task_id for one in watcher.take().sights] == [newer]

    def test_beyond_what_a_client_may_be_behind_are_not_kept(self):
        watcher = Watcher(1)
        watcher.begin()
        for number in range(1, MOST_BEHIND + 10):
            watcher.see(sight(number), number)
        assert watcher.is_behind
        assert len(everything(watcher)) == MOST_BEHIND

    def test_of_large_tasks_are_fewer(self):
        watcher = Watcher(1)
        watcher.begin()
        for number in range(1, 10):
            watcher.see(sight(number, task=b"x" * (MOST_BEHIND_BYTES // 4)), number)
        assert watcher.is_behind
        assert len(everything(watcher)) == 4

    def test_that_are_many_are_told_in_pieces_of_which_the_last_can_be_resumed_from(self):
        watcher = Watcher(1)
        watcher.begin()
        for number in range(1, 31):
            watcher.see(sight(number), 30)
        pieces = [watcher.take(), watcher.take()]
        assert [(len(piece.sights), piece.floor) for piece in pieces] == [(20, None), (10, 30)]


class TestProgress:
    def test_is_the_latest_of_each_task(self):
        watcher = Watcher(1)
        watcher.begin()
        for share in (0.1, 0.2, 0.3):
            watcher.hear(TASK, share)
        assert watcher.take().progress == {TASK: 0.3}

    def test_of_a_task_that_is_over_is_not_told(self):
        watcher = Watcher(1)
        watcher.begin()
        watcher.hear(TASK, 0.9)
        watcher.see(sight(5, "succeeded"), 5)
        assert watcher.take().progress == {}


class TestWaiting:
    def test_ends_when_something_comes(self):
        async def waited() -> bool:
            watcher = Watcher(1, TASK)
            watcher.begin()
            asyncio.get_running_loop().call_soon(watcher.see, sight(1), 1)
            return await watcher.something(60)

        assert asyncio.run(waited())

    def test_ends_with_its_time(self):
        assert not asyncio.run(Watcher(1, TASK).something(0.01))

    def test_misses_no_call_that_came_before_it(self):
        async def waited() -> bool:
            watcher = Watcher(1, TASK)
            watcher.wake()
            return await watcher.something(60)

        assert asyncio.run(waited())
