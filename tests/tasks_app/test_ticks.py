"""When a worker looks for work by itself."""

from datetime import timedelta

import pytest

from tasks_app.engine import claims, submit
from tasks_app.ticks import next_submit


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
