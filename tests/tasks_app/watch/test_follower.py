"""What a follower hears of calls for a look at once; by itself it looks now and then."""

import asyncio

import pytest
from django.conf import settings
from django.db import connection

from tasks_app.watch import news
from tasks_app.watch.follower import Follower, connect
from tasks_app.watch.watcher import Watcher
from tests.tasks_app.api.conftest import task_of

pytestmark = pytest.mark.skipif(not settings.REDIS_URL, reason="there is no Redis")
SELDOM_S, PATIENCE_S = 3600, 30


@pytest.fixture(autouse=True)
def shared(transactional_db):
    if connection.vendor != "mysql":
        pytest.skip("a look has a connection of its own")


async def seen_after(watcher: Watcher, happens) -> bool:
    """Whether something came to the watcher, of a follower that would not look by itself."""
    follower = Follower(connect, hearing_s=SELDOM_S)
    follower.start()
    try:
        await asyncio.wait_for(follower.hears.wait(), PATIENCE_S)
        await follower.add(watcher)
        watcher.begin()
        await asyncio.sleep(0)
        follower.is_running(watcher.task_id, watcher.account_id, 0.0)
        await asyncio.to_thread(happens)
        return await watcher.something(PATIENCE_S)
    finally:
        await follower.stop()


def test_a_move_that_is_told_is_seen_at_once(acme, moves):
    task = task_of(acme, status="running")
    watcher = Watcher(acme.id, task.id)

    def happens():
        moves(task, "storing")
        news.tell({acme.id}, {})
        connection.close()

    assert asyncio.run(seen_after(watcher, happens))
    assert [sight.change.status for sight in watcher.take().sights] == ["storing"]


def test_progress_that_is_told_needs_no_look(acme):
    task = task_of(acme, status="running")
    watcher = Watcher(acme.id, task.id)
    assert asyncio.run(seen_after(watcher, lambda: news.tell((), {task.id: (acme.id, 0.5)})))
    assert watcher.take().progress == {task.id: 0.5}
