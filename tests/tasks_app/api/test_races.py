"""Many clients at once, through the API and on the real server. SQLite has one writer at a time and is left out."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tasks_app import audit
from tasks_app.ids import first_of
from tasks_app.models import Task
from tests.tasks_app.api.conftest import ORDER, Api, books

THREADS = 40


@pytest.fixture(autouse=True)
def many_writers(transactional_db):
    if connection.vendor != "mysql":
        pytest.skip("races are run on MySQL or MariaDB")


def at_once(times: int, send) -> list:
    """send(number) so many times, shared out among threads with a connection each that are let go together."""
    gate = threading.Barrier(THREADS)

    def run(thread: int) -> list:
        try:
            connection.ensure_connection()
            gate.wait(30)
            return [send(number) for number in range(thread, times, THREADS)]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return [answer for answers in pool.map(run, range(THREADS)) for answer in answers]


class TestCreditsForTen:
    """Each picture costs 3 credits."""

    @pytest.fixture
    def poor(self, member, models):
        return member("poor", credits=32, max_active=200)

    def nothing_is_amiss(self, poor, answers: list) -> None:
        assert Counter(answer.status_code for answer in answers) == {201: 10, 402: 190}
        assert {answer.json()["code"] for answer in answers if answer.status_code == 402} == {"insufficient_credits"}
        made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
        assert {str(task) for task in Task.objects.all()} == made
        assert books(poor) == (32, 30)
        assert audit.look(since=first_of(poor.clock())).findings == []

    def test_let_exactly_ten_of_200_submits_in(self, poor):
        self.nothing_is_amiss(poor, at_once(200, lambda number: Api(poor.key).post("/tasks", ORDER)))

    def test_let_exactly_ten_in_where_each_comes_with_a_key_of_its_own(self, poor):
        self.nothing_is_amiss(poor, at_once(200, lambda number: Api(poor.key).post("/tasks", ORDER, Idempotency_Key=f"order-{number}")))

    def test_let_exactly_ten_in_where_they_come_in_batches(self, poor):
        answers = at_once(40, lambda number: Api(poor.key).post("/tasks/batch", {"tasks": [ORDER] * 5}).json())
        assert sum(answer["accepted"] for answer in answers) == Task.objects.count() == 10
        assert books(poor) == (32, 30)
