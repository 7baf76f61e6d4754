"""The same promises while many do it at once, on the real server. SQLite has one writer at a time and is left out."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from accounts import credits

from .conftest import NOON, books, settlement

THREADS = 20


@pytest.fixture(autouse=True)
def many_writers(transactional_db):
    if connection.vendor != "mysql":
        pytest.skip("races are run on MySQL or MariaDB")


def at_once(work, arguments):
    """work(argument) for each of `arguments`, shared out among threads that are let go together; the results in any order."""
    lanes = [arguments[start::THREADS] for start in range(min(THREADS, len(arguments)))]
    gate = threading.Barrier(len(lanes))

    def run(lane):
        try:
            connection.ensure_connection()
            gate.wait(20)
            return [work(argument) for argument in lane]
        finally:
            connection.close()

    with ThreadPoolExecutor(len(lanes)) as pool:
        return [result for results in pool.map(run, lanes) for result in results]


def hold(account, amount=1):
    with transaction.atomic():
        return credits.hold(account.id, amount)


def hold_or_refused(account):
    try:
        return hold(account)
    except credits.InsufficientCredits:
        return "refused"


class TestManyHoldAtOnce:
    def test_credits_for_ten_let_exactly_ten_in(self, open_account):
        acme = open_account(granted=10, max_active=200)
        results = at_once(hold_or_refused, [acme] * 200)
        assert (results.count("active"), results.count("refused")) == (10, 190)
        assert books(acme) == (10, 10, 10)

    def test_a_cap_of_seven_gives_exactly_seven_slots(self, open_account):
        acme = open_account(granted=200, max_active=7)
        results = at_once(hold_or_refused, [acme] * 200)
        assert (results.count("active"), results.count("parked")) == (7, 193)
        assert books(acme) == (200, 200, 7)

    def test_batches_share_what_there_is(self, open_account):
        acme = open_account(granted=100, max_active=1000)

        def hold_nine(account):
            with transaction.atomic():
                return len(credits.hold_many(account.id, [1] * 9))

        assert sum(at_once(hold_nine, [acme] * 40)) == 100
        assert books(acme) == (100, 100, 100)


class TestSlotsAreTakenAtOnce:
    def test_never_above_the_cap(self, open_account):
        acme = open_account(max_active=3)
        assert at_once(lambda account: credits.take_slot(account.id), [acme] * 60).count(True) == 3
        assert books(acme) == (100, 0, 3)


class TestHoldsAgainstSettlements:
    def test_every_task_settles_once_and_the_books_close(self, open_account):
        acme = open_account(granted=10_000, max_active=6)

        def live(number):
            """One task from hold to settlement; returns what it captured."""
            place = hold(acme, 10)
            captured = number % 11
            with transaction.atomic():
                done = settlement(acme, held=10, captured=captured, had_slot=place == "active", reference=f"task_{number}")
                credits.settle([done], now=NOON)
            return captured

        captured = sum(at_once(live, range(200)))
        assert books(acme) == (10_000 - captured, 0, 0)
        assert credits.verify(acme.id) == []

    def test_batches_over_many_accounts_do_not_deadlock_with_holds_grants_and_each_other(self, open_account):
        accounts = [open_account(f"account {number}", granted=10_000, max_active=10_000) for number in range(8)]
        for account in accounts:
            with transaction.atomic():
                credits.hold_many(account.id, [2] * 100)
        dice = random.Random(7)

        def work(job):
            number, order = job
            with transaction.atomic():
                credits.settle([settlement(one, held=2, captured=1, reference=f"task_{number}_{one.id}") for one in order], now=NOON)
            hold(order[0], 5)
            with transaction.atomic():
                credits.grant(order[0].id, 1, by="olga", note="", now=NOON)

        at_once(work, [(number, dice.sample(accounts, 8)) for number in range(100)])
        totals = [sum(column) for column in zip(*map(books, accounts), strict=True)]
        assert totals == [80_000 - 800 + 100, 5 * 100, 100]
        assert [credits.verify(account.id) for account in accounts] == [[]] * 8


class TestASlotComesFreeBetweenTheTwoStatementsOfAHold:
    """The first finds the cap reached, the second finds it not reached: the task must still get in."""

    @contextmanager
    def settled_after_the_first_update(self, account):
        """Run a settlement of `account` on another connection as soon as this one's first UPDATE has matched nothing."""
        done = []

        def between(execute, sql, params, many, context):
            result = execute(sql, params, many, context)
            if sql.startswith("UPDATE") and not done:
                done.append(sql)
                at_once(lambda one: credits.settle([settlement(one, held=1)], now=NOON), [account])
            return result

        with connection.execute_wrapper(between):
            yield done

    def test_it_is_active_and_not_refused(self, open_account):
        acme = open_account(max_active=1)
        hold(acme)
        with self.settled_after_the_first_update(acme) as done:
            assert hold(acme) == "active"
        assert done
        assert books(acme) == (100, 1, 1)
