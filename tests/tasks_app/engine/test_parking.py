"""Parking: what waits at its account's cap is let in when there is room, and each task counts once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Account
from providers.errors import GenerationFailed
from tasks_app.engine import claims, lifecycle, parking
from tasks_app.engine.decisions import Move
from tasks_app.models import Task
from tests.cast import START

IMAGE = "darkroom/plasma-image"


def waiting() -> int:
    return Task.objects.filter(status="queued", due_at=None).count()


class TestARaisedCap:
    @pytest.fixture
    def small(self, member, plasma):
        small = member("small", credits=100, max_active=0)
        for _ in range(3):
            small.submits(IMAGE)
        return small

    def test_lets_the_oldest_in_at_the_next_look_though_nothing_ends(self, small, plasma, road):
        Account.objects.update(max_active=2)
        road.submits()
        assert (plasma.bought, small.active, waiting()) == (2, 2, 1)

    def test_lets_nobody_in_at_another_accounts_cost(self, small, member, road):
        full = member("full", credits=100, max_active=0)
        full.submits(IMAGE)
        Account.objects.filter(id=small.id).update(max_active=9)
        assert parking.run_once(now=START) == 3
        assert (full.active, waiting()) == (0, 1)

    def test_costs_one_look_while_nothing_is_parked(self, acme, plasma, django_assert_num_queries):
        acme.submits(IMAGE)
        with django_assert_num_queries(1):
            assert parking.run_once(now=START) == 0


@pytest.mark.usefixtures("many_writers")
class TestAtTheSameMoment:
    def both(self, *works):
        gate = Barrier(len(works))

        def run(work):
            try:
                connection.ensure_connection()
                gate.wait(20)
                return work()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(works)) as pool:
            return list(pool.map(run, works))

    def test_a_parked_task_is_canceled_and_let_in_and_counts_once(self, member, plasma, clock):
        small = member("small", credits=1000, max_active=1)
        for _ in range(25):
            first, parked, _ = (small.submits(IMAGE) for _ in range(3))
            end = lifecycle.Step(claims.read(first.id), Move("failed", error=GenerationFailed()))
            self.both(lambda end=end: lifecycle.advance([end], now=START), lambda parked=parked: small.cancels(parked))
            assert small.active == Task.objects.filter(status="queued", lane=IMAGE).count() == 1
            self.empty(small)

    def test_a_raised_cap_and_an_end_let_each_task_in_once(self, member, plasma, clock):
        small = member("small", credits=1000, max_active=1)
        for _ in range(25):
            first, *_ = (small.submits(IMAGE) for _ in range(4))
            Account.objects.update(max_active=9)
            end = lifecycle.Step(claims.read(first.id), Move("failed", error=GenerationFailed()))
            self.both(lambda end=end: lifecycle.advance([end], now=START), lambda: parking.run_once(now=START))
            assert small.active == Task.objects.filter(status="queued", lane=IMAGE).count() == 3
            Account.objects.update(max_active=1)
            self.empty(small)

    def empty(self, member) -> None:
        for task in Task.objects.filter(status="queued").order_by("-id"):
            member.cancels(task)
        assert (member.active, member.held) == (0, 0)
