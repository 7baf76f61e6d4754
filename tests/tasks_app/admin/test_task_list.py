"""The list of tasks: what it shows, what it costs, and how a task is found in it."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Account
from providers.models import Provider
from tasks_app.models import Task

from .conftest import attempt_of, list_of, output_of, page, queries_of, shown, task_of, text_of

pytestmark = pytest.mark.django_db


def listed(client, **query) -> list[str]:
    """The tasks in the list, in its order."""
    found = re.findall(r'<a href="/admin/tasks_app/task/(task_[0-9a-z]{26})/change/', text_of(client.get(list_of(), query)))
    return list(dict.fromkeys(found))


def names(*tasks: Task) -> list[str]:
    return [shown(task) for task in tasks]


class TestTheList:
    def test_shows_newest_first_under_public_ids(self, olga, acme):
        older, newer = task_of(acme, created_at=datetime(2026, 3, 1, tzinfo=UTC)), task_of(acme)
        assert listed(olga) == names(newer, older)
        assert str(newer.id) not in re.sub(r'value="[^"]*"', "", text_of(olga.get(list_of())))

    def test_says_what_an_operator_wants_to_know(self, olga, acme, models):
        began = datetime(2026, 3, 1, 12, tzinfo=UTC)
        ended = {"status": "failed", "captured": 12345, "flagged": True, "finished_at": began + timedelta(seconds=75)}
        task_of(acme, created_at=began, provider=models, attempts=2, end_user="ann", **ended)
        text = text_of(olga.get(list_of()))
        told = ("failed", "flagged", "darkroom/plasma-image", "image.generate", "acme", "ann", "plasma", "2 attempts", "12,345")
        assert all(word in text for word in (*told, "2026-03-01 12:00:00", "1 min 15 s"))

    def test_costs_the_same_number_of_queries_however_long_it_is(self, olga, member, models):
        task_of(member("a0"), provider=models)
        few = len(queries_of(olga, list_of()))
        for number in range(1, 12):
            provider = Provider.objects.create(name=f"p{number}", adapter="plasma_adapter")
            task_of(member(f"a{number}"), provider=provider)
        assert len(queries_of(olga, list_of())) == few

    @pytest.mark.parametrize("query", [{}, {"status": "open"}, {"flagged__exact": "1"}, {"q": "acme"}, {"created": "7d"}])
    def test_neither_counts_nor_joins_nor_sorts_but_by_the_primary_key(self, olga, acme, query):
        task_of(acme)
        asked = queries_of(olga, list_of(), **query)
        (read,) = [sql for sql in asked if "ORDER BY" in sql and "tasks_app_task" in sql]
        assert "JOIN" not in read
        assert not any("COUNT(" in sql for sql in asked)
        assert re.search(r"ORDER BY .tasks_app_task.\..id. DESC LIMIT 50$", read)

    def test_goes_on_on_the_next_page(self, olga, acme):
        tasks = [task_of(acme) for _ in range(51)]
        assert len(listed(olga)) == 50
        assert listed(olga, p=2) == names(tasks[0])


class TestSearch:
    def test_by_public_id(self, olga, acme):
        task, _ = task_of(acme), task_of(acme)
        assert listed(olga, q=f" {shown(task)} ") == names(task)

    def test_by_the_id_of_an_output(self, olga, acme):
        task, _ = task_of(acme, status="succeeded"), task_of(acme)
        assert listed(olga, q=str(output_of(task))) == names(task)

    def test_by_the_token_that_an_upstream_was_given(self, olga, acme, models):
        task, _ = task_of(acme), task_of(acme)
        assert listed(olga, q=attempt_of(task, models).token) == names(task)

    def test_by_part_of_an_accounts_name(self, olga, acme, bolt):
        task, _ = task_of(acme), task_of(bolt)
        assert listed(olga, q="CM") == names(task)

    def test_by_idempotency_key_of_whatever_account(self, olga, acme, bolt):
        ours, theirs = task_of(acme, idempotency_key="order-7"), task_of(bolt, idempotency_key="order-7")
        task_of(acme, idempotency_key="order-77")
        assert listed(olga, q="order-7") == names(theirs, ours)

    def test_by_end_user(self, olga, acme):
        task, _ = task_of(acme, end_user="ann@example.org"), task_of(acme, end_user="anne")
        assert listed(olga, q="ann@example.org") == names(task)

    def test_an_accounts_name_comes_before_an_end_users(self, olga, acme, bolt):
        task, _ = task_of(acme), task_of(bolt, end_user="acme")
        assert listed(olga, q="acme") == names(task)

    def test_of_what_is_not_there_finds_nothing(self, olga, acme):
        task_of(acme)
        assert listed(olga, q="task_01k8zq3v7m0000000000000000") == listed(olga, q="nothing") == []

    def test_by_id_asks_no_account_and_no_key(self, olga, acme):
        task = task_of(acme)
        assert not any("idempotency_key` =" in sql.replace('"', "`") for sql in queries_of(olga, list_of(), q=shown(task)))


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"status": "open"}, ["queued", "running"]),
            ({"status": "failed"}, ["failed"]),
            ({"flagged__exact": "1"}, ["failed"]),
            ({"kind": "video.generate"}, ["running"]),
            ({"model": "darkroom/plasma-video"}, ["running"]),
            ({"created": "24h"}, ["queued", "running"]),
            ({"created": "7d"}, ["queued", "running", "failed"]),
            ({"status": "nonsense", "created": "never", "model": "x", "kind": "x"}, ["queued", "running", "failed"]),
        ],
    )
    def test_narrow_the_list(self, olga, acme, models, query, found):
        two_days_ago = datetime.now(UTC) - timedelta(days=2)
        tasks = {
            "failed": task_of(acme, status="failed", flagged=True, captured=0, created_at=two_days_ago, finished_at=two_days_ago),
            "running": task_of(acme, status="running", kind="video.generate", model="darkroom/plasma-video"),
            "queued": task_of(acme),
        }
        assert sorted(listed(olga, **query)) == sorted(shown(tasks[status]) for status in found)

    def test_by_provider(self, olga, acme, models):
        task, _ = task_of(acme, provider=models), task_of(acme)
        assert listed(olga, provider=models.id) == names(task)
        assert len(listed(olga, provider="nonsense")) == 2

    def test_offer_models_and_providers_without_asking_the_tasks(self, olga, acme, models):
        task_of(acme, provider=models)
        assert not any("DISTINCT" in sql for sql in queries_of(olga, list_of()))

    def test_by_one_end_user_of_one_account_from_a_tasks_page(self, olga, acme, bolt):
        task = task_of(acme, end_user="ann")
        task_of(bolt, end_user="ann")
        task_of(acme)
        (link,) = re.findall(r'href="(/admin/tasks_app/task/\?account=[^"]*end_user=ann)"', text_of(olga.get(page(task))))
        assert f"account={Account.objects.get(name='acme').id}" in link
        assert listed(olga, account=acme.id, end_user="ann") == names(task)
