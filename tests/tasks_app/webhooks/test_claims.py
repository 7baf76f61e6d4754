"""Claims on deliveries: what a look for due rows reads, however many wait."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks_app.models import Delivery
from tasks_app.webhooks import claims
from tasks_app.webhooks.lanes import OVERLAP, Lanes
from tests.cast import START

from .conftest import waiting


def take(room=100, per_account=100, known=None, now=START):
    return claims.take(room, known or Lanes(), per_account=per_account, now=now)


def lanes(taken) -> list[str]:
    return sorted(one.row["lane"].partition("@")[2] for one in taken)


class TestTaking:
    def test_gives_each_lane_two_and_no_more_while_they_are_open(self, acme):
        waiting(acme.id, f"{acme.id}@a", 5)
        waiting(acme.id, f"{acme.id}@b", 1)
        assert lanes(take()) == ["a", "a", "b"]
        assert take() == []

    def test_gives_an_account_its_share_over_all_its_lanes(self, acme, bolt):
        for number in range(10):
            waiting(acme.id, f"{acme.id}@host-{number}", 3)
        waiting(bolt.id, f"{bolt.id}@b", 3, due_at=START - timedelta(seconds=1))
        taken = take(per_account=5)
        assert [sum(one.row["account_id"] == member.id for one in taken) for member in (acme, bolt)] == [5, 2]

    def test_begins_with_the_lane_that_was_served_longest_ago(self, acme):
        for lane in "abcd":
            waiting(acme.id, f"{acme.id}@{lane}", 4)
        known, served = Lanes(), []
        for _ in range(4):
            served += lanes(take(room=1, known=known))
            Delivery.objects.filter(status="sending").update(status="delivered", due_at=None)
        assert sorted(served) == ["a", "b", "c", "d"]

    def test_leaves_what_is_not_due(self, acme):
        waiting(acme.id, f"{acme.id}@a", 1, due_at=START + timedelta(milliseconds=1))
        assert take() == []
        assert claims.next_due() == START + timedelta(milliseconds=1)

    def test_knows_of_nothing_due_where_nothing_waits(self, db):
        assert claims.next_due() is None


class TestTheStatements:
    def count(self) -> int:
        with CaptureQueriesContext(connection) as queries:
            take()
        return len(queries)

    def test_are_as_many_for_ten_thousand_rows_as_for_three(self, acme):
        waiting(acme.id, f"{acme.id}@a", 3)
        few = self.count()
        Delivery.objects.all().delete()
        waiting(acme.id, f"{acme.id}@a", 10_000)
        assert self.count() == few


class TestWhatFallsDue:
    """Seen by a process that has looked before."""

    @pytest.fixture
    def known(self, db):
        known = Lanes()
        take(known=known)
        return known

    def test_is_found_when_it_is_new(self, acme, known):
        waiting(acme.id, f"{acme.id}@a", 1, due_at=START + timedelta(seconds=1))
        assert lanes(take(known=known, now=START + timedelta(seconds=1))) == ["a"]

    def test_is_found_when_its_transaction_took_a_while(self, acme, known):
        waiting(acme.id, f"{acme.id}@a", 1, due_at=START - OVERLAP * 0.9)
        assert lanes(take(known=known)) == ["a"]

    def test_is_found_by_the_sweep_when_it_took_longer_still(self, acme, known):
        waiting(acme.id, f"{acme.id}@a", 1, due_at=START - OVERLAP)
        assert take(known=known) == []
        known._swept_at = float("-inf")
        assert lanes(take(known=known)) == ["a"]

    def test_is_found_when_the_clock_was_set_back(self, acme, known):
        earlier = START - timedelta(hours=1)
        waiting(acme.id, f"{acme.id}@a", 1, due_at=earlier)
        assert lanes(take(known=known, now=earlier)) == ["a"]

    def test_is_found_again_and_again_while_the_lane_is_full(self, acme, known):
        waiting(acme.id, f"{acme.id}@a", 5)
        later = START + timedelta(seconds=20)
        for now, count in ((START, 2), (later, 0)):
            assert len(take(known=known, now=now)) == count
        Delivery.objects.filter(status="sending").update(status="delivered", due_at=None)
        assert len(take(known=known, now=later)) == 2


@pytest.mark.django_db(transaction=True)  # ANALYZE commits
class TestTheIndexes:
    """Rows come in order from an index: a sort would read every waiting row."""

    @pytest.fixture(autouse=True)
    def crowd(self, transactional_db, acme):
        if connection.vendor != "mysql":
            pytest.skip("about MySQL's optimizer")
        for number in range(10):
            waiting(acme.id, f"{acme.id}@host-{number}", 500)
        waiting(acme.id, f"{acme.id}@done", 3000, status="delivered")
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE TABLE {Delivery._meta.db_table}")

    def plans(self, work) -> dict[str | None, str]:
        """index → extra, of each SELECT on deliveries that `work` makes."""
        with CaptureQueriesContext(connection) as queries:
            work()
        found = {}
        for query in queries:
            if query["sql"].startswith("SELECT"):
                found |= {line["key"]: line["Extra"] for line in self.explain(query["sql"])}
        return found

    def explain(self, sql: str) -> list[dict]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def test_what_fell_due_is_read_from_the_index_alone(self):
        known = Lanes()
        known.due(START + OVERLAP)
        plans = self.plans(lambda: known.due(START + 2 * OVERLAP))
        assert set(plans) == {"delivery_due"}
        assert "Using index" in plans["delivery_due"]

    def test_the_rows_of_a_lane_come_in_order(self, acme):
        plans = self.plans(lambda: claims._next_of(f"{acme.id}@host-7", Lanes(), 2, START))
        assert set(plans) == {"delivery_claim", "delivery_order"}
        assert "filesort" not in plans["delivery_claim"]

    def test_the_next_due_row_is_at_the_end_of_an_index(self):
        extras = set(self.plans(claims.next_due).values())
        assert extras <= {"Select tables optimized away", "No matching min/max row"}
