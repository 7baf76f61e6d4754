"""Whole transactions, tried again where the server says that only the moment was wrong."""

from threading import Thread

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from accounts.models import Account
from tasks_app.engine.transactions import TRIES, at_once, whole

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mariadb():
    if connection.vendor != "mysql" or not connection.mysql_is_mariadb:
        pytest.skip("is about what MariaDB alone has")


@pytest.fixture
def strict(mariadb):
    """This thread's connection as MariaDB 11 would have it at REPEATABLE READ: what was read and has changed since is not written."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_snapshot_isolation = 1")
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
    connection.close()


class TestARecordThatChangedSinceItWasRead:
    def grant(self, member, rivals: int) -> int:
        """Reads a balance and writes it, while so many rivals write it in between; how often it was tried."""
        left, tries = list(range(rivals)), []

        def work():
            tries.append(balance := Account.objects.get(id=member.id).balance)
            if left:
                rival = Thread(target=write, args=(member.id, left.pop()))
                rival.start()
                rival.join()
            Account.objects.filter(id=member.id).update(balance=balance + 1)

        whole(work)
        return len(tries)

    def test_is_read_anew_and_the_whole_transaction_made_again(self, strict, member):
        acme = member("acme", credits=5)
        assert self.grant(acme, rivals=2) == 3
        assert acme.balance == 1  # the last rival wrote 0

    def test_is_given_up_after_some_tries(self, strict, member):
        with pytest.raises(OperationalError, match="1020"):
            self.grant(member("acme", credits=5), rivals=TRIES)


def credits(account_id: int, amount: int, *, rows: int = 1) -> tuple:
    return "UPDATE accounts_account SET balance = balance + %s WHERE id = %s", (amount, account_id), rows


class TestStepsAtOnce:
    """In a transaction of their own, which is one statement on MariaDB, and in a caller's, where each is one."""

    @pytest.fixture(params=["alone", "within"])
    def steps(self, request):
        def run(*steps):
            if request.param == "alone":
                return at_once(steps)
            with transaction.atomic():
                return at_once(steps)

        return run

    def test_are_all_done(self, steps, acme, bolt):
        before = acme.balance, bolt.balance
        assert steps(credits(acme.id, 1), credits(bolt.id, 2)) is True
        assert (acme.balance, bolt.balance) == (before[0] + 1, before[1] + 2)

    def test_are_none_of_them_done_where_one_finds_other_rows(self, steps, acme):
        before = acme.balance
        assert steps(credits(acme.id, 1), credits(0, 1)) is False
        assert steps(credits(acme.id, 1, rows=0), credits(acme.id, 1)) is False
        assert acme.balance == before

    def test_are_none_of_them_done_where_one_fails(self, steps, acme):
        before = acme.balance
        taken = "INSERT INTO accounts_account SELECT * FROM accounts_account WHERE id = %s", (acme.id,), 1
        with pytest.raises(IntegrityError):
            steps(credits(acme.id, 1), taken)
        assert acme.balance == before
        assert steps(credits(acme.id, 1)) is True  # the connection is as good as before

    def test_keep_what_looks_like_another_statement_a_value(self, steps, acme):
        name = "a'; COMMIT; END; -- %s \\"
        assert steps(("UPDATE accounts_account SET name = %s WHERE id = %s", (name, acme.id), 1)) is True
        assert Account.objects.get(id=acme.id).name == name


def test_steps_at_once_are_one_round_trip_on_mariadb(mariadb, acme, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert at_once([credits(acme.id, 1), credits(acme.id, 1)])


def test_steps_at_once_on_a_connection_that_the_server_has_ended_fail_and_are_not_done(mariadb, acme):
    before = acme.balance
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        killer = Thread(target=kill, args=cursor.fetchone())
    killer.start()
    killer.join()
    with pytest.raises(OperationalError, match=r"gone away|Lost connection"):
        at_once([credits(acme.id, 1)])
    assert at_once([credits(acme.id, 1)]) is True
    assert acme.balance == before + 1


def kill(other: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"KILL CONNECTION {other:d}")
    connection.close()


def write(account_id: int, balance: int) -> None:
    Account.objects.filter(id=account_id).update(balance=balance)
    connection.close()
