"""The statement of a month: it adds up, it fits in little memory, and no spreadsheet runs what is in it."""

import csv
import tracemalloc
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.db import connection
from django.db.models import Sum

from accounts import credits, statement
from accounts.models import Account, LedgerEntry
from accounts.statement import CLOSING, OPENING, Month

pytestmark = pytest.mark.django_db

MAY, JUNE, JULY = Month(2026, 5), Month(2026, 6), Month(2026, 7)
LATER = datetime(2027, 1, 1, tzinfo=UTC)


def on(day: int, month: int = 6, **time) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(**time)


def read(account: Account, month: Month = JUNE, *, now: datetime = LATER) -> list[dict[str, str]]:
    text = b"".join(statement.write(account.id, month, now=now)).decode()
    return list(csv.DictReader(StringIO(text, newline="")))


@pytest.fixture
def acme(open_account):
    return open_account("acme", granted=0)


@pytest.fixture
def busy(acme) -> Account:
    """A grant in May; a capture, its refund and an adjustment in June; a grant in July."""
    credits.grant(acme.id, 1000, by="olga", note="invoice 7", now=on(31, 5, hours=23))
    credits.hold(acme.id, 30)
    spent = credits.Settlement(acme.id, "task_1", held=30, captured=20, had_slot=True, model="darkroom/test-card-image")
    credits.settle([spent], now=on(1))
    credits.refund(acme.id, 5, reference="task_1", by="olga", note="green faces", now=on(2))
    credits.adjust(acme.id, -3, by="olga", note="counted twice", now=on(30, hours=23, minutes=59))
    credits.grant(acme.id, 50, by="olga", note="", now=on(1, 7))
    return acme


class TestAMonth:
    def test_has_every_entry_with_the_balance_after_it_between_what_it_began_and_ended_with(self, busy):
        assert [tuple(row.values()) for row in read(busy)] == [
            ("2026-06-01T00:00:00Z", OPENING, "", "", "", "1000", ""),
            ("2026-06-01T00:00:00Z", "capture", "task_1", "darkroom/test-card-image", "-20", "980", ""),
            ("2026-06-02T00:00:00Z", "refund", "task_1", "darkroom/test-card-image", "5", "985", "green faces"),
            ("2026-06-30T23:59:00Z", "adjust", "", "", "-3", "982", "counted twice"),
            ("2026-07-01T00:00:00Z", CLOSING, "", "", "", "982", ""),
        ]

    def test_ends_where_the_next_one_begins_and_the_last_is_the_balance(self, busy):
        months = [read(busy, month) for month in (MAY, JUNE, JULY)]
        assert [(month[0]["balance"], month[-1]["balance"]) for month in months] == [("0", "1000"), ("1000", "982"), ("982", "1032")]
        assert Account.objects.get(id=busy.id).balance == 1032

    def test_without_entries_says_the_balance_twice(self, busy):
        assert [(row["kind"], row["balance"]) for row in read(busy, Month(2026, 9))] == [(OPENING, "1032"), (CLOSING, "1032")]

    def test_that_is_not_over_closes_now(self, busy):
        assert read(busy, now=on(15))[-1]["time"] == "2026-06-15T00:00:00Z"

    def test_shows_nothing_of_another_account(self, busy, open_account, now):
        assert [row["balance"] for row in read(open_account("bolt", granted=7))] == ["0", "7", "7"]

    def test_tells_no_operators_name(self, busy):
        assert "olga" not in str(read(busy))


class TestATextThatASpreadsheetWouldRun:
    @pytest.mark.parametrize("note", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1", " =1", "＝1", "=HYPERLINK(1)"])
    def test_is_a_text(self, acme, now, note):
        credits.grant(acme.id, 5, by="olga", note=note, now=now)
        assert read(acme)[1]["note"] == f"'{note}"

    def test_leaves_amounts_alone(self, busy):
        assert [int(row["amount"]) for row in read(busy)[1:-1]] == [-20, 5, -3]

    @pytest.mark.parametrize("note", ["invoice 7, paid", 'the "best"', "two\r\nlines", "green = good", "绿色"])
    def test_is_no_other_text(self, acme, now, note):
        credits.grant(acme.id, 5, by="olga", note=note, now=now)
        assert read(acme)[1]["note"] == note

    def test_for_excel_begins_with_the_mark_that_it_knows_utf_8_by(self, acme):
        assert next(statement.write(acme.id, JUNE, now=LATER, for_excel=True)).startswith(b"\xef\xbb\xbftime,kind,")
        assert next(statement.write(acme.id, JUNE, now=LATER)).startswith(b"time,kind,")


class TestALongMonth:
    @pytest.fixture
    def long(self, acme):
        """Doubles a thousand entries so many times; they come by the dozen in the same moment, as settlements in batches do."""

        def make(doublings: int) -> int:
            moments = [on(1, seconds=number // 12) for number in range(1000)]
            LedgerEntry.objects.bulk_create(
                LedgerEntry(account=acme, kind="capture", amount=-number, model="m", created_at=at) for number, at in enumerate(moments)
            )
            by = connection.ops.quote_name("by")
            columns = f"account_id, kind, amount, model, note, {by}, created_at"
            for _ in range(doublings):
                with connection.cursor() as cursor:
                    cursor.execute(f"INSERT INTO accounts_ledgerentry ({columns}) SELECT {columns} FROM accounts_ledgerentry")
            return 1000 * 2**doublings

        return make

    def test_has_each_entry_once_and_takes_a_query_for_each_page(self, acme, long, django_assert_num_queries):
        many, count, balance = long(7), 0, 0
        with django_assert_num_queries(many // statement.PAGE + 2):  # one to begin with, one that finds no more
            pieces = list(statement.write(acme.id, JUNE, now=LATER))
        for row in csv.reader(StringIO(b"".join(pieces).decode(), newline="")):
            if row[1] == "capture":
                count, balance = count + 1, balance + int(row[4])
                assert int(row[5]) == balance
        assert count == many == 128_000
        assert row[5] == str(balance) == str(LedgerEntry.objects.aggregate(sum=Sum("amount"))["sum"])

    def test_takes_no_more_memory_than_a_short_one(self, acme, long):
        def peak() -> int:
            tracemalloc.start()
            for _ in statement.write(acme.id, JUNE, now=LATER):
                pass
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            return most

        long(1)
        peak()  # what is imported on first use is not what we measure
        short = peak()
        LedgerEntry.objects.all().delete()
        long(4)  # eight times as long
        assert peak() < 2 * short

    def test_reads_each_page_by_the_index_alone(self, acme):
        """Told of the plan, since a month of any length must not be read once for each page."""
        page = statement._pages(LedgerEntry.objects.filter(account=acme.id, created_at__gte=on(1), created_at__lt=on(1, 7)))
        assert list(page) == []
        behind = LedgerEntry.objects.filter(account=acme.id, created_at__gte=on(1), created_at__lt=on(1, 7)).order_by("created_at", "id")
        plan = behind.explain()
        assert "ledger_statement" in plan
        assert "filesort" not in plan.lower()
        assert "TEMP B-TREE" not in plan


class TestAMonthsName:
    @pytest.mark.parametrize(
        "text", ["2026-6", "2026-13", "2026-00", "2026-06-01", "june", "", "9999-01", "0001-01", "２０２６-06", "2026-06\n"]
    )
    def test_that_is_none_is_refused(self, text):
        with pytest.raises(ValueError, match='such as "2026-11"'):
            Month.read(text)

    def test_leads_to_the_months_beside_it(self):
        december = Month.read("2026-12")
        assert (str(december.after()), str(december.before()), str(Month(2027, 1).before())) == ("2027-01", "2026-11", "2026-12")
        assert (december.start, december.end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
