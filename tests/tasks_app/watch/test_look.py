"""A look finds what happened to all that is watched, by as many queries for many as for one."""

import json

import pytest
from django.db import OperationalError, connection

from providers import catalogue
from tasks_app.models import TaskEvent
from tasks_app.watch.look import Eyes, Watched
from tests.tasks_app.api.conftest import task_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def eyes() -> Eyes:
    opened = Eyes()
    opened.open()
    return opened


def watched(*, accounts=(), tasks=(), running=()) -> Watched:
    return Watched(frozenset(one.id for one in accounts), frozenset(one.id for one in tasks), frozenset(one.id for one in running))


def seen(look) -> list[tuple]:
    return [(sight.change.task_id, sight.change.status) for sight in look.sights]


class TestAWatchedTask:
    def test_is_seen_to_move(self, eyes, acme, moves):
        task = task_of(acme)
        moves(task, "submitting")
        moves(task, "running")
        look = eyes.look(watched(tasks=[task]))
        assert seen(look) == [(task.id, "submitting"), (task.id, "running")]
        assert json.loads(look.sights[0].task)["status"] == "running"

    def test_is_seen_once(self, eyes, acme, moves):
        task = task_of(acme)
        moves(task, "submitting")
        eyes.look(watched(tasks=[task]))
        assert seen(eyes.look(watched(tasks=[task]))) == []

    def test_is_over_with_its_last_change(self, eyes, acme, moves):
        task = task_of(acme)
        moves(task, "submitting")
        moves(task, "failed")
        assert [sight.is_over for sight in eyes.look(watched(tasks=[task])).sights] == [False, True]

    def test_tells_its_progress_where_that_is_asked(self, eyes, acme):
        task = task_of(acme, status="running", progress=0.4)
        assert eyes.look(watched(tasks=[task], running=[task])).progress == {task.id: 0.4}


class TestAnAccount:
    def test_has_its_tasks_seen_and_no_others(self, eyes, acme, bolt, moves):
        task, other = task_of(acme), task_of(bolt)
        eyes.look(watched(accounts=[acme.account]))
        moves(task, "submitting")
        moves(other, "submitting")
        assert seen(eyes.look(watched(accounts=[acme.account]))) == [(task.id, "submitting")]

    def test_has_new_tasks_seen_once(self, eyes, acme):
        task = task_of(acme)
        assert seen(eyes.look(watched(accounts=[acme.account]))) == [(task.id, "queued")]
        assert seen(eyes.look(watched(accounts=[acme.account]))) == []


def away_after_the_log(execute, sql, params, many, context):
    """The log can be read, and nothing after it."""
    if TaskEvent._meta.db_table not in sql:
        raise OperationalError("the server has gone away")
    return execute(sql, params, many, context)


class TestWhatFailsInTheMiddle:
    def test_is_told_by_the_next_look(self, eyes, acme, moves):
        task = task_of(acme)
        moves(task, "submitting")
        with connection.execute_wrapper(away_after_the_log), pytest.raises(OperationalError):
            eyes.look(watched(tasks=[task]))
        assert seen(eyes.look(watched(tasks=[task]))) == [(task.id, "submitting")]


class TestTheQueries:
    @pytest.mark.parametrize("many", [1, 60])
    def test_are_as_many_for_one_stream_as_for_many(self, eyes, acme, bolt, member, moves, many, django_assert_num_queries):
        accounts = [acme.account, bolt.account, *(member(f"other {number}").account for number in range(many))]
        tasks = [task_of(acme) for _ in range(many)]
        for task in tasks:
            moves(task, "running")
        catalogue.all()  # which is remembered for a while
        with django_assert_num_queries(5):  # the log, new tasks, whose these are, the rows, progress
            look = eyes.look(watched(accounts=accounts, tasks=tasks, running=tasks))
        assert len(look.sights) == 2 * many

    def test_are_one_where_nothing_happened(self, eyes, acme, django_assert_num_queries):
        task = task_of(acme)
        with django_assert_num_queries(1):
            eyes.look(watched(tasks=[task]))
