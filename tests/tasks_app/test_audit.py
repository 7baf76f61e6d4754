"""The audit finds what does not add up, says so until it does, and changes nothing."""

import logging
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from io import StringIO
from threading import Event
from uuid import UUID

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts import credits, keys
from accounts.models import Account, ApiKey, LedgerEntry
from tasks_app import audit, cleanup, ids, workers
from tasks_app.engine import accept, lifecycle, refund
from tasks_app.engine.claims import Claimed, new_token, read_all
from tasks_app.engine.decisions import Move
from tasks_app.models import Attempt, Audit, File, Output, Task, TaskEvent

IMAGE = "darkroom/plasma-image"
EVER = UUID(int=0)


@pytest.fixture
def lived_in(acme, bolt, plasma, road, clock) -> Task:
    """Two accounts that did all there is to do; acme's task that succeeded."""
    done = acme.submits(IMAGE, n=2)
    bolt.submits(IMAGE)
    road.runs_dry()
    acme.cancels(acme.submits(IMAGE))
    refund.request(bolt_task(bolt).id, by="olga", note="", now=clock())
    acme.submits(IMAGE)
    Account.objects.filter(id=acme.id).update(max_active=1)
    acme.submits(IMAGE)  # parked
    done.refresh_from_db()
    return done


def bolt_task(bolt) -> Task:
    return Task.objects.get(account=bolt.id)


def findings(**more) -> list[str]:
    return audit.look(since=EVER, **more).findings


def rows() -> dict:
    """Every row of ours but the audits themselves."""
    tables = [table for table in apps.get_models() if table._meta.app_label in ("accounts", "providers", "tasks_app") and table != Audit]
    return {table: list(table.objects.order_by("pk").values()) for table in tables}


class TestBooksThatAddUp:
    def test_are_said_to_and_left_as_they_are(self, lived_in):
        before = rows()
        report = audit.look(since=EVER)
        assert (report.accounts, report.tasks, report.findings) == (2, 5, [])
        assert rows() == before

    def test_are_read_page_by_page(self, lived_in):
        report = audit.look(since=EVER, accounts_at_once=1, tasks_at_once=2, rows_at_once=3)
        assert (report.accounts, report.tasks, report.findings) == (2, 5, [])

    def test_take_a_fixed_number_of_queries_for_each_page(self, lived_in, member, django_assert_max_num_queries):
        for number in range(30):
            member(f"account {number}", credits=5).submits(IMAGE)
        with django_assert_max_num_queries(24):
            assert audit.look(since=EVER).tasks == 35

    def test_of_an_empty_installation_add_up_too(self, db):
        assert findings() == []


class TestOfAnAccount:
    @pytest.mark.parametrize(
        ("columns", "fault"),
        [
            ({"balance": F("balance") + 7}, "acme has a balance of 1001 credits, and its ledger sums to 994."),
            ({"held": F("held") + 1}, "acme has 7 credits held, and its open tasks hold 6."),
            ({"active": F("active") + 1}, "acme has 2 tasks at work, and 1 of its open tasks have a slot."),
        ],
    )
    def test_a_figure_that_its_rows_do_not_explain_is_named(self, lived_in, columns, fault):
        Account.objects.filter(name="acme").update(**columns)
        assert findings() == [fault]

    def test_an_entry_that_nobody_booked_is_found_whichever_page_it_is_on(self, lived_in, bolt, clock):
        LedgerEntry.objects.create(account=bolt.account, kind="grant", amount=5, created_at=clock())
        assert findings(accounts_at_once=1) == ["bolt has a balance of 1000 credits, and its ledger sums to 1005."]


class TestOfAKeysBudget:
    @pytest.fixture
    def key(self, acme, plasma, road, clock) -> ApiKey:
        """A key with a budget, one of whose tasks is over and one open, each of three credits."""
        row, text = keys.make(acme.account, "budget", now=clock(), credits_limit=100)
        scope = keys.find(text, now=clock()).scope
        accept.one(acme.id, acme.order(IMAGE), now=clock(), scope=scope)
        road.runs_dry()
        accept.one(acme.id, acme.order(IMAGE), now=clock(), scope=scope)
        return row

    def test_adds_up_while_tasks_are_open_and_when_they_are_gone(self, key, clock):
        assert findings() == []
        clock.move(days=365)
        cleanup.run("tasks", clock=clock)
        assert (Task.objects.count(), findings()) == (1, [])

    def test_that_counted_too_little_is_named(self, key):
        ApiKey.objects.filter(id=key.id).update(credits_used=5)
        assert findings() == [f"The API key {key.id} of acme has counted 5 credits, and its tasks took 6."]

    def test_that_counted_what_no_task_took_is_named(self, key):
        ApiKey.objects.filter(id=key.id).update(credits_used=7)
        assert findings() == ["The API keys of acme have counted 7 credits, and its tasks captured 3 and hold 3."]


class TestOfATask:
    @pytest.mark.parametrize(
        ("columns", "fault"),
        [
            ({"captured": 5}, "captured 5 credits, and the ledger took 6."),
            ({"captured": None}, "is succeeded and was never settled."),
            ({"hold": 4}, "held 4 credits and captured 6."),
            ({"status": "storing"}, "is storing and settled already: it captured 6, and the ledger has ['capture']."),
        ],
    )
    def test_a_settlement_that_is_not_exactly_one_is_named(self, lived_in, columns, fault):
        Task.objects.filter(id=lived_in.id).update(**columns)
        assert f"{lived_in} {fault}" in findings()

    def test_a_capture_that_was_never_booked_is_found(self, lived_in):
        LedgerEntry.objects.filter(reference=str(lived_in), kind="capture").delete()
        assert f"{lived_in} captured 6 credits, and the ledger took 0." in findings()

    def test_a_refund_of_more_than_was_captured_is_found(self, lived_in, bolt):
        LedgerEntry.objects.filter(kind="refund").update(amount=4)
        assert f"{bolt_task(bolt)} was refunded 4 credits of 3." in findings()

    def test_a_capture_from_another_account_is_found(self, lived_in, bolt):
        LedgerEntry.objects.filter(reference=str(lived_in)).update(account=bolt.account)
        assert f"{lived_in} is paid by another account than its own." in findings()

    def test_of_days_long_past_is_looked_at_only_where_everything_is(self, lived_in, clock):
        clock.now = timezone.now() + timedelta(days=15)  # ids tell the real time
        LedgerEntry.objects.filter(reference=str(lived_in)).update(kind="adjust")
        assert audit.run_once(clock=clock).faults == 0
        assert audit.run_once(clock=clock, is_whole=True).findings == [f"{lived_in} captured 6 credits, and the ledger took 0."]


class TestOfAReference:
    @pytest.mark.parametrize(
        ("column", "fault"),
        [
            ("provider", "A task names the provider 999, which is not there."),
            ("route", "A task names the route 999, which is not there."),
            ("budget_key", "A task names the API key 999, which is not there."),
        ],
    )
    def test_of_a_task_that_leads_nowhere_is_named(self, lived_in, column, fault):
        Task.objects.filter(id=lived_in.id).update(**{column: 999})
        assert findings() == [fault]

    @pytest.mark.parametrize(("column", "what"), [("provider", "provider"), ("route", "route")])
    def test_of_an_attempt_that_leads_nowhere_is_named(self, lived_in, column, what):
        Attempt.objects.filter(task_id=lived_in.id).update(**{column: 999})
        assert findings() == [f"An attempt names the {what} 999, which is not there."]

    @pytest.mark.parametrize("table", [Attempt, Output, TaskEvent])
    @pytest.mark.parametrize("rows_at_once", [1, 2, 5000])
    def test_to_a_task_that_is_gone_is_named(self, lived_in, table, rows_at_once):
        gone = ids.new()
        table.objects.filter(task_id=lived_in.id).update(task_id=gone)
        what = table._meta.verbose_name_plural
        assert findings(rows_at_once=rows_at_once) == [f"A row of {what} names {ids.shown('task', gone)}, which is not there."]

    def test_to_an_account_that_is_gone_is_named(self, lived_in, clock):
        File.objects.create(account_id=999, name="x", content_type="", bytes=1, sha256="", key="k", created_at=clock())
        assert findings() == ["A row of files names the account 999, which is not there."]

    def test_from_an_output_to_another_account_than_its_tasks_is_named(self, lived_in, bolt):
        output = Output.objects.filter(task_id=lived_in.id).first()
        Output.objects.filter(id=output.id).update(account_id=bolt.id)
        assert findings() == [f"{output} is of another account than its task {lived_in}."]


class TestTheOutcome:
    @pytest.fixture
    def wrong(self, lived_in):
        Account.objects.filter(name="acme").update(balance=F("balance") + 7)

    def test_is_an_error_in_the_log_with_a_name_to_wake_somebody_by(self, wrong, clock, caplog):
        audit.run_once(clock=clock)
        (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert (line.event, line.faults, line.accounts) == ("books_do_not_add_up", 1, 2)
        assert line.findings == ["acme has a balance of 1001 credits, and its ledger sums to 994."]

    def test_is_a_quiet_line_where_all_adds_up(self, lived_in, clock, caplog):
        with caplog.at_level(logging.INFO, logger="tasks_app.audit"):
            audit.run_once(clock=clock)
        assert [(record.levelname, record.event) for record in caplog.records if hasattr(record, "event")] == [("INFO", "books_add_up")]

    def test_is_what_beat_and_the_shell_come_to(self, wrong):
        workers.audit_books()
        with pytest.raises(CommandError, match="The books do not add up: 1 faults in 2 accounts and 5 tasks"):
            call_command("ledger", "check", stdout=StringIO())
        assert list(Audit.objects.values_list("faults", flat=True)) == [1, 1]

    def test_is_told_by_the_shell_in_full(self, wrong):
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("ledger", "check", "--all", stdout=out)
        assert out.getvalue() == "  acme has a balance of 1001 credits, and its ledger sums to 994.\n"
        Account.objects.filter(name="acme").update(balance=F("balance") - 7)
        call_command("ledger", "check", "--all", stdout=(out := StringIO()))
        assert out.getvalue() == "The books add up: 2 accounts and 5 tasks.\n"

    def test_keeps_the_first_of_many_findings_and_counts_them_all(self, lived_in, clock):
        lost = [TaskEvent(task_id=ids.new(), status="x", created_at=clock()) for _ in range(audit.MOST_FINDINGS + 5)]
        TaskEvent.objects.bulk_create(lost)
        found = audit.run_once(clock=clock)
        assert (found.faults, len(found.findings)) == (audit.MOST_FINDINGS + 5, audit.MOST_FINDINGS)

    def test_of_old_is_forgotten(self, db, clock):
        for _ in range(audit.KEPT + 3):
            audit.run_once(clock=clock)
        assert Audit.objects.count() == audit.KEPT


@pytest.mark.usefixtures("many_writers")
class TestWhileTrafficRuns:
    """Everything that moves credits, on many connections, and audits all the time: not one false alarm, and the one fault is found."""

    @pytest.fixture
    def members(self, member, plasma):
        return [member(f"member {number}", credits=100_000, max_active=5) for number in range(4)]

    def test_only_what_is_wrong_is_found(self, members, clock):
        Account.objects.filter(id=members[3].id).update(balance=F("balance") + 1)
        stopped = Event()
        with ThreadPoolExecutor(5) as pool:
            traffic = [pool.submit(until, stopped, partial_life(members, random.Random(seed), clock)) for seed in range(4)]
            try:
                found = [audit.look(since=EVER, accounts_at_once=2, tasks_at_once=20, rows_at_once=50) for _ in range(25)]
            finally:
                stopped.set()
            lives = [life.result(60) for life in traffic]
        assert min(lives) > 10
        assert {finding.split(" credits")[0].split(" a ")[0] for report in found for finding in report.findings} == {"member 3 has"}
        assert [report.faults for report in found] == [1] * len(found)


def until(stopped: Event, live) -> int:
    count = 0
    try:
        while not stopped.is_set():
            live()
            count += 1
    finally:
        connection.close()
    return count


def partial_life(members, dice, clock):
    """A function that lets one task live, from order to deletion, and moves credits by hand beside it."""

    def live():
        member, now = dice.choice(members), clock()
        task = member.submits(IMAGE, n=dice.randint(1, 4))
        if dice.random() < 0.3:
            member.cancels(task)
        else:
            succeeds(task, now)
        credits.grant(member.id, dice.randint(1, 9), by="olga", note="", now=now)
        credits.adjust(member.id, -1, by="olga", note="", now=now)
        task.refresh_from_db()
        if task.captured and dice.random() < 0.5:
            refund.request(task.id, by="olga", note="", now=now)
        if task.finished_at and dice.random() < 0.5:
            cleanup.remove(task.id, member.id)

    return live


def succeeds(task: Task, now: datetime) -> None:
    """The end of a task that has a slot, without the upstream between; one that is parked stays where it is."""
    token = new_token()
    if Task.objects.filter(id=task.id, lane=IMAGE, status="queued").update(status="storing", lane="", lease_token=token):
        (claimed,) = read_all([task.id])
        assert isinstance(claimed, Claimed)
        lifecycle.advance([lifecycle.Step(claimed, Move("succeeded", captured=task.hold // 2 + 1))], now=now)
