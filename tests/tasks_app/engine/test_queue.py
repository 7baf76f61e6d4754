"""Rows by hand-written SQL, beside the rows that the ORM writes."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from tasks_app import ids
from tasks_app.engine import queue
from tasks_app.models import Task
from tests.cast import START

pytestmark = pytest.mark.django_db


def task(**columns) -> Task:
    given = {
        "id": ids.new(),
        "account_id": 7,
        "kind": "image.generate",
        "model": "darkroom/plasma-image",
        "lane": "darkroom/plasma-image:low",
        "priority": "low",
        "input": {"prompt": "狐狸 'quoted' \\ \"twice\" %s \x00", "n": 2, "weight": 0.5, "deep": [None, True]},
        "metadata": {"order": "ü"},
        "end_user": "Ann",
        "retry_of": ids.new(),
        "webhook_url": "https://hooks.example.com/a",
        "webhook_events": ["task.failed"],
        "idempotency_key": "key-1",
        "request_hash": bytes(range(224, 256)),
        "cost_items": [{"what": "picture", "credits": 3}],
        "hold": 3,
        "budget_key": 9,
        "expected_outputs": 2,
        "due_at": START + timedelta(microseconds=1),
        "deadline_at": START + timedelta(hours=1),
        "created_at": START,
        "updated_at": START,
    }
    return Task(**given | columns)


def kept() -> list[dict]:
    return list(Task.objects.order_by("id").values())


class TestARow:
    def test_is_the_one_that_the_orm_would_write(self):
        by_hand, by_orm = task(), task(idempotency_key="key-2")
        queue.insert([by_hand])
        by_orm.save(force_insert=True)
        first, second = kept()
        ours = {"id", "retry_of", "idempotency_key"}
        assert {name: first[name] for name in first.keys() - ours} == {name: second[name] for name in second.keys() - ours}
        assert (first["id"], first["retry_of"], first["idempotency_key"]) == (by_hand.id, by_hand.retry_of, "key-1")

    def test_keeps_what_is_not_there_as_null(self):
        queue.insert([task(due_at=None, retry_of=None, idempotency_key=None, webhook_events=None)])
        (row,) = kept()
        assert (row["due_at"], row["retry_of"], row["idempotency_key"]) == (None, None, None)
        assert Task.objects.filter(webhook_events__isnull=True).exists()

    def test_with_a_key_that_is_taken_is_refused(self):
        queue.insert([task()])
        with pytest.raises(IntegrityError):
            queue.insert([task()])


class TestManyRows:
    def test_are_written_in_few_statements(self, django_assert_num_queries):
        many = [task(idempotency_key=None) for _ in range(queue.AT_ONCE + 1)]
        with django_assert_num_queries(2):
            queue.insert(many)
        assert [row["id"] for row in kept()] == [each.id for each in many]

    def test_may_be_none(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            queue.insert([])


def test_every_column_is_named_once():
    names = [*queue.WRITTEN, *queue.BEGUN]
    assert sorted(names) == sorted(field.attname for field in Task._meta.concrete_fields)
    with connection.cursor() as cursor:
        assert sorted(names) == sorted(
            column.name for column in connection.introspection.get_table_description(cursor, Task._meta.db_table)
        )
