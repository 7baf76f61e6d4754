"""Does everything add up? The nightly look at accounts, ledger, tasks and the references that no database key guards.

It changes nothing but its own record. It reads while traffic runs, takes no lock and holds no transaction: what must agree is read in
one statement, so of one moment; and where that cannot be, in an order in which only a fault can look like one.

Of tasks it looks at those of the last WINDOW, for what has settled never changes again; `is_whole` looks at all that are kept.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, Model, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from accounts.models import Account, ApiKey, LedgerEntry
from providers.models import Provider, Route

from .engine.clock import Clock
from .engine.lanes import PARKING
from .engine.lifecycle import TERMINAL, TRANSITIONS
from .ids import first_of, shown
from .models import Attempt, Audit, File, Output, Task, TaskEvent, WebhookEndpoint, WebhookSecret

log = logging.getLogger(__name__)

ACCOUNTS, TASKS, ROWS = 100, 500, 5000  # in one statement
WINDOW = timedelta(days=14)  # a client may give a task seven days; then its results may take a while to be fetched
MOST_FINDINGS = 100
MOST_IN_LOG = 10
KEPT = 100  # audits

Row = dict[str, Any]
# By hand: the index must be told, for the optimizer would rather read every task that these accounts ever had.
FIGURES = """
    SELECT a.id, a.name, a.balance, a.held, a.active,
        (SELECT COALESCE(SUM(l.amount), 0) FROM accounts_ledgerentry l WHERE l.account_id = a.id),
        COALESCE(t.held, 0), COALESCE(t.active, 0)
    FROM accounts_account a LEFT JOIN (
        SELECT account_id, SUM(hold) AS held, SUM(lane < %s) AS active FROM tasks_app_task {index}
        WHERE status IN ({open}) AND account_id IN ({marks}) GROUP BY account_id
    ) t ON t.account_id = a.id
    WHERE a.id IN ({marks}) ORDER BY a.id
"""
OPEN = ", ".join(f"'{status}'" for status in TRANSITIONS)
INDEX = {"mysql": "FORCE INDEX (task_claim)", "sqlite": "INDEXED BY task_claim"}
COLUMNS = ("id", "account_id", "status", "hold", "captured", "provider_id", "route_id", "budget_key")


@dataclass
class Report:
    """What was looked at, and each thing that does not add up, a sentence each."""

    accounts: int = 0
    tasks: int = 0
    faults: int = 0
    findings: list[str] = field(default_factory=list)

    def add(self, findings: Iterable[str]) -> None:
        for finding in findings:
            self.faults += 1
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(finding)


def run_once(*, clock: Clock, is_whole: bool = False) -> Audit:
    """Look at everything once, record it, and say so in the log: at level error where something does not add up."""
    started_at = clock()
    report = look(since=UUID(int=0) if is_whole else first_of(started_at - WINDOW))
    found = Audit.objects.create(
        started_at=started_at,
        finished_at=clock(),
        accounts=report.accounts,
        tasks=report.tasks,
        is_whole=is_whole,
        faults=report.faults,
        findings=report.findings,
    )
    Audit.objects.filter(id__lte=found.id - KEPT).delete()
    _tell(found)
    return found


def look(*, since: UUID, accounts_at_once: int = ACCOUNTS, tasks_at_once: int = TASKS, rows_at_once: int = ROWS) -> Report:
    """Look at every account, at the tasks from `since` on, and at all that refers to a task or an account."""
    report, parents = Report(), Parents()
    for ids in _pages(Account, limit=accounts_at_once):
        report.accounts += len(ids)
        report.add(_accounts(ids))
    report.add(_budgets(since))
    report.add(_budgets_of_accounts())
    for ids in _pages(Task, after=since, limit=tasks_at_once):
        report.tasks += len(ids)
        report.add(_tasks(ids, parents))
    for table in (Attempt, Output, TaskEvent):
        report.add(_without_a_task(table, rows_at_once))
    for table in (LedgerEntry, File, WebhookEndpoint, WebhookSecret):
        report.add(_without_an_account(table, parents))
    return report


class Parents:
    """The ids of what tasks refer to. They are few, and read anew before anything is called missing."""

    TABLES: dict[str, type[Model]] = {"account": Account, "provider": Provider, "route": Route, "API key": ApiKey}

    def __init__(self):
        self._known: dict[str, set[int]] = {what: set() for what in self.TABLES}

    def missing(self, what: str, wanted: Iterable[int | None]) -> set[int]:
        """Those of `wanted`, which a row named just now, that are not there. A parent is there before the first row names it."""
        asked = set(wanted) - {None}
        if asked - self._known[what]:
            self._known[what] = set(self.TABLES[what].objects.values_list("id", flat=True))
        return asked - self._known[what]


def _pages(table: type[Model], *, limit: int, after: Any = None) -> Iterator[list]:
    """The primary keys of a table in their order, page by page."""
    while True:
        rows = table.objects.order_by("pk") if after is None else table.objects.filter(pk__gt=after).order_by("pk")
        if not (page := list(rows.values_list("pk", flat=True)[:limit])):
            return
        yield page
        after = page[-1]


def _accounts(ids: Sequence[int]) -> Iterator[str]:
    """Balance against ledger, `held` and `active` against the open tasks: all in one statement, so of one moment."""
    marks = ",".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(FIGURES.format(index=INDEX.get(connection.vendor, ""), open=OPEN, marks=marks), [PARKING, *ids, *ids])
        rows = cursor.fetchall()
    for _, name, balance, held, active, booked, holds, working in rows:
        if balance != booked:
            yield f"{name} has a balance of {balance} credits, and its ledger sums to {booked}."
        if held != holds:
            yield f"{name} has {held} credits held, and its open tasks hold {holds}."
        if active != working:
            yield f"{name} has {active} tasks at work, and {working} of its open tasks have a slot."
        if not 0 <= held <= balance:
            yield f"{name} has {held} credits held of a balance of {balance}."


def _budgets(since: UUID) -> Iterator[str]:
    """A key has counted what its tasks cost, or hold: at least that of those from `since` on, for others may be gone."""
    cost = Task.objects.filter(account_id=OuterRef("account_id"), id__gte=since, budget_key=OuterRef("id")).order_by().values("budget_key")
    spent = Coalesce(Subquery(cost.annotate(sum=Sum(Coalesce("captured", "hold"))).values("sum")), 0)
    keys = ApiKey.objects.filter(credits_limit__isnull=False).annotate(spent=spent)
    for id, name, used, spent in keys.values_list("id", "account__name", "credits_used", "spent"):
        if used < spent:
            yield f"The API key {id} of {name} has counted {used} credits, and its tasks took {spent}."


def _budgets_of_accounts() -> Iterator[str]:
    """All keys of an account together have counted no more than its tasks ever captured, or hold: else a key's budget leaks."""
    counted = ApiKey.objects.filter(account_id=OuterRef("id")).order_by().values("account_id")
    captured = LedgerEntry.objects.filter(account_id=OuterRef("id"), kind=LedgerEntry.Kind.CAPTURE).order_by().values("account_id")
    accounts = Account.objects.filter(Exists(ApiKey.objects.filter(account_id=OuterRef("id"), credits_used__gt=0))).annotate(
        counted=Subquery(counted.annotate(sum=Sum("credits_used")).values("sum")),
        captured=Coalesce(Subquery(captured.annotate(sum=-Sum("amount")).values("sum")), 0),
    )
    for name, counted, captured, held in accounts.values_list("name", "counted", "captured", "held"):
        if counted > captured + held:
            yield f"The API keys of {name} have counted {counted} credits, and its tasks captured {captured} and hold {held}."


def _tasks(ids: Sequence[UUID], parents: Parents) -> Iterator[str]:
    tasks = _read(ids)
    entries = _entries(tasks)
    # An end that came between the two is no fault. Read once more after the ledger, such a task is over, or gone.
    early = [id for id, task in tasks.items() if task["status"] not in TERMINAL and entries.get(id)]
    again = _read(early) if early else {}
    for id in ids:
        task = again.get(id) if id in early else tasks.get(id)
        if task:
            yield from (f"{shown('task', id)} {fault}." for fault in _settlement(task, entries.get(id, {})))
    yield from _references(tasks, parents)


def _read(ids: Sequence[UUID]) -> dict[UUID, Row]:
    return {task["id"]: task for task in Task.objects.filter(id__in=ids).values(*COLUMNS)}


def _entries(ids: Iterable[UUID]) -> dict[UUID, dict[str, tuple[int, int]]]:
    """Task → kind → account and amount of its ledger entry; a kind is there once at most."""
    named = {shown("task", id): id for id in ids}
    found: dict[UUID, dict[str, tuple[int, int]]] = {}
    for reference, kind, *entry in LedgerEntry.objects.filter(reference__in=named).values_list("reference", "kind", "account_id", "amount"):
        found.setdefault(named[reference], {})[kind] = tuple(entry)
    return found


def _settlement(task: Row, entries: dict[str, tuple[int, int]]) -> Iterator[str]:
    """Settled exactly once, at its end, within its hold, for its own account."""
    captured, hold = task["captured"], task["hold"]
    account_id, amount = entries.get("capture", (task["account_id"], 0))
    if task["status"] not in TERMINAL:
        if captured is not None or entries:
            yield f"is {task['status']} and settled already: it captured {captured}, and the ledger has {sorted(entries)}"
        return
    if captured is None:
        yield f"is {task['status']} and was never settled"
    elif not 0 <= captured <= hold:
        yield f"held {hold} credits and captured {captured}"
    if -amount != (captured or 0):
        yield f"captured {captured} credits, and the ledger took {-amount}"
    refunded = entries.get("refund", (account_id, 0))
    if refunded[1] > -amount:
        yield f"was refunded {refunded[1]} credits of {-amount}"
    if {account_id, refunded[0]} != {task["account_id"]}:
        yield "is paid by another account than its own"


def _references(tasks: dict[UUID, Row], parents: Parents) -> Iterator[str]:
    """What these tasks, their attempts and their outputs name is there, and an output is its task's account's."""
    for what, column in (("account", "account_id"), ("provider", "provider_id"), ("route", "route_id"), ("API key", "budget_key")):
        for id in sorted(parents.missing(what, (task[column] for task in tasks.values()))):
            yield f"A task names the {what} {id}, which is not there."
    attempts = Attempt.objects.filter(task_id__in=list(tasks)).values_list("provider_id", "route_id").distinct()
    for what, named in zip(("provider", "route"), zip(*attempts, strict=True), strict=False):
        for id in sorted(parents.missing(what, named)):
            yield f"An attempt names the {what} {id}, which is not there."
    for id, task_id, account_id in Output.objects.filter(task_id__in=list(tasks)).values_list("id", "task_id", "account_id"):
        if account_id != tasks[task_id]["account_id"]:
            yield f"{shown('output', id)} is of another account than its task {shown('task', task_id)}."


def _without_a_task(table: type[Model], limit: int) -> Iterator[str]:
    """Rows whose task is gone. Page and search are told by the task's id, in the order of its index."""
    after, is_last = UUID(int=0), False
    while not is_last:
        rows = table.objects.filter(task_id__gt=after).order_by("task_id")
        ends = rows.values_list("task_id", flat=True)[limit - 1 : limit]
        is_last = not (end := list(ends))
        page = rows if is_last else rows.filter(task_id__lte=end[0])
        lost = page.filter(~Exists(Task.objects.filter(id=OuterRef("task_id")))).values_list("task_id", flat=True).distinct()
        yield from (f"A row of {table._meta.verbose_name_plural} names {shown('task', id)}, which is not there." for id in lost)
        after = after if is_last else end[0]


def _without_an_account(table: type[Model], parents: Parents) -> Iterator[str]:
    named = list(table.objects.order_by().values_list("account_id", flat=True).distinct())
    for id in sorted(parents.missing("account", named)):
        yield f"A row of {table._meta.verbose_name_plural} names the account {id}, which is not there."


def _tell(found: Audit) -> None:
    facts = {"accounts": found.accounts, "tasks": found.tasks, "faults": found.faults}
    if found.faults:
        facts |= {"event": "books_do_not_add_up", "findings": found.findings[:MOST_IN_LOG]}
        log.error("the books do not add up: %s", found.findings[0], extra=facts)
    else:
        log.info("the books add up", extra=facts | {"event": "books_add_up"})
