"""An account's month as CSV: what it owned at its start, every entry of the ledger with the balance after it, what it owned at its end.

It is written as it is read, a page at a time, so a month of any length takes the memory of a page. The last row comes last: a file
without it was cut on its way.

For a program it is plain UTF-8. Excel takes a file without a byte order mark for the local code page, and so would show a Chinese note as
rubbish; `for_excel` begins with one, which a program would take for a part of the first column's name. In both, a text that a spreadsheet
would take for a formula is a text, by the apostrophe before it: notes come from people.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO

from django.db.models import Q, Sum
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from .models import Account, LedgerEntry

PAGE = 1000
MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
HEADER = ("time", "kind", "task", "model", "amount", "balance", "note")
OPENING, CLOSING = "opening balance", "closing balance"
BYTE_ORDER_MARK = "\ufeff"
FORMULA = tuple("=+-@＝＋－＠")
COLUMNS = ("created_at", "id", "kind", "reference", "model", "amount", "note")


@dataclass(frozen=True, slots=True)
class Month:
    """A month in UTC, as in 2026-11."""

    year: int
    month: int

    @classmethod
    def read(cls, text: str) -> "Month":
        """Raises ValueError that says what would be right."""
        found = MONTH.fullmatch(text)
        if not found or not 1970 <= int(found[1]) <= 9000:
            raise ValueError('must be a month such as "2026-11"')
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        return cls(moment.astimezone(UTC).year, moment.astimezone(UTC).month)

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.after().start

    def after(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def before(self) -> "Month":
        return Month(self.year, self.month - 1) if self.month > 1 else Month(self.year - 1, 12)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def answer(account: Account, month: Month, *, now: datetime, for_excel: bool = False, has_body: bool = True) -> StreamingHttpResponse:
    """The statement as a file to be saved."""
    name = content_disposition_header(as_attachment=True, filename=f"{account.name}-{month}.csv")
    headers = {"Content-Disposition": name or "attachment", "X-Content-Type-Options": "nosniff"}
    body = write(account.id, month, now=now, for_excel=for_excel) if has_body else ()
    return StreamingHttpResponse(body, content_type="text/csv; charset=utf-8", headers=headers)


def write(account_id: int, month: Month, *, now: datetime, for_excel: bool = False) -> Iterator[bytes]:
    """The statement in pieces. Of a month that is not over it has what is booked by now."""
    entries = LedgerEntry.objects.filter(account=account_id)
    balance = entries.filter(created_at__lt=month.start).aggregate(sum=Sum("amount"))["sum"] or 0
    mark = BYTE_ORDER_MARK if for_excel else ""
    yield (mark + _lines([HEADER, _total(month.start, OPENING, balance)])).encode()
    for page in _pages(entries.filter(created_at__gte=month.start, created_at__lt=month.end)):
        rows = []
        for created_at, _, kind, reference, model, amount, note in page:
            balance += amount
            rows.append((_instant(created_at), kind, _text(reference or ""), _text(model), amount, balance, _text(note)))
        yield _lines(rows).encode()
    yield _lines([_total(max(min(month.end, now), month.start), CLOSING, balance)]).encode()


def _pages(entries) -> Iterator[Sequence[tuple]]:
    """In the order in which they were booked, each page found by where the one before ended."""
    ordered = entries.order_by("created_at", "id").values_list(*COLUMNS)
    page = list(ordered[:PAGE])
    while page:
        yield page
        created_at, id = page[-1][:2]
        # The first condition is for the index: by the second alone MariaDB reads the month from its start for each page.
        behind = ordered.filter(created_at__gte=created_at).filter(Q(created_at__gt=created_at) | Q(id__gt=id))
        page = list(behind[:PAGE]) if len(page) == PAGE else []


def _lines(rows: Sequence[Sequence]) -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _total(at: datetime, what: str, balance: int) -> tuple:
    return (_instant(at), what, "", "", "", balance, "")


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(text: str) -> str:
    """Never a formula: blanks before one, line breaks too, keep no spreadsheet from it."""
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
