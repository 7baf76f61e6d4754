"""A step's own thread: when it looks for due rows."""

from datetime import timedelta
from queue import SimpleQueue
from threading import Thread

import pytest

from tasks_app import ticks
from tasks_app.engine import claims, pump, submit
from tasks_app.engine.claims import Claimed
from tasks_app.engine.pump import Pump
from tasks_app.ticks import next_submit

SOON = 0.75 * ticks.IDLE  # s; an idle thread looks only after 0.8 times IDLE


class Watched:
    """A step of which a test sees each look; `rows` are what the next look finds."""

    def __init__(self):
        self.looks, self.rows = SimpleQueue(), []
        self.pump = Pump("step", self.take, self.call, lambda arrived, clock: None, window=1)

    def take(self, room, clock):
        found = [self.rows.pop()] if self.rows else []
        self.looks.put(found)
        return found

    async def call(self, claimed):
        return None

    def looked(self):
        return self.looks.get(timeout=SOON)


@pytest.fixture
def step(monkeypatch, clock):
    """A step whose thread has found nothing, and sleeps."""
    step = Watched()
    monkeypatch.setitem(ticks.STEPS, "step", ticks.Step(step.pump, lambda: None))
    thread = Thread(target=ticks.tick, args=("step", clock))
    thread.start()
    step.looked()
    yield step
    pump.stopping.set()
    step.pump.wake.set()
    thread.join(10)
    pump.stopping.clear()


class TestAWakeUp:
    def test_makes_the_thread_look_at_once_and_once_more_for_what_came_right_after(self, step):
        step.pump.wake.set()
        step.looked()
        step.looked()

    def test_that_another_thread_acts_on_is_followed_by_a_look_too(self, step, clock):
        step.pump.run(clock)
        step.looked()
        step.looked()
        step.looked()


class TestWork:
    def test_that_was_found_without_a_wake_up_is_followed_by_one_more_look(self, step):
        step.pump.wake.set()
        assert step.looked() == []
        step.rows.append(Claimed({}, 0))
        found = [step.looked() for _ in range(3)]  # the look that finds it, the run's last one, and one more
        assert [len(each) for each in found] == [1, 0, 0]


class TestWithoutAWakeUp:
    def test_a_task_waits_for_less_than_4_s_so_that_an_hour_without_redis_costs_it_less_than_5(self, clock):
        assert max(ticks.pause_until(None, clock) for _ in range(1000)) < 4


class TestTheNextLookForSubmits:
    def test_is_when_a_waiting_task_is_due(self, acme, plasma, clock):
        assert next_submit() is None
        acme.submits("darkroom/plasma-image")
        assert next_submit() == clock()

    def test_is_when_a_dead_workers_lease_ends(self, acme, plasma, clock):
        acme.submits("darkroom/plasma-image")
        assert submit.take(1, clock)
        assert next_submit() == clock() + claims.LEASE

    @pytest.mark.parametrize("wait_s", [5, 300])
    def test_is_whichever_comes_first(self, wait_s, acme, plasma, clock):
        acme.submits("darkroom/plasma-image")
        submit.take(1, clock)
        clock.move(seconds=wait_s)
        acme.submits("darkroom/plasma-image")
        assert next_submit() == clock() - timedelta(seconds=max(0, wait_s - claims.LEASE.total_seconds()))
