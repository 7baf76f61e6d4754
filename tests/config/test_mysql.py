"""The round trips to MySQL or MariaDB that a request costs, and connections that the server cut."""

import os
import socket
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.db.transaction import TransactionManagementError

from accounts.models import Account
from config.mysql.base import PREPARED, TRUSTED_S, TRUSTED_UNSEEN_S
from tasks_app.engine.claims import LEASE

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'mysql'", reason="is about MySQL and MariaDB"),
]


def asked(what: str = "Questions") -> int:
    """How many statements this session has sent so far, or of one kind."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE %s", [what])
        return int(cursor.fetchone()[1])


def request_starts() -> None:
    connection.close_if_unusable_or_obsolete()


def pause(seconds: float = TRUSTED_S) -> None:
    connection._used_at -= seconds


def server_cuts_it() -> None:
    id = connection.connection.thread_id()
    with connection.copy().cursor() as other:
        other.execute("KILL %s", [id])
        while other.execute("SELECT 1 FROM information_schema.processlist WHERE id = %s", [id]):
            """It ends when it notices."""
        other.connection.close()


def works() -> bool:
    with connection.cursor() as cursor:
        return cursor.execute("SELECT 1") == 1


class TestATransaction:
    def test_costs_a_begin_and_a_commit(self):
        before = asked()
        with transaction.atomic():
            Account.objects.filter(id=0).update(held=0)
        assert asked() - before == 4  # with the question itself

    def test_is_rolled_back_whole(self):
        with transaction.atomic():
            Account.objects.create(name="acme")
            transaction.set_rollback(True)
        assert not Account.objects.exists()

    def test_of_a_process_that_stands_still_is_ended_by_the_server(self):
        if not connection.mysql_is_mariadb:
            pytest.skip("MySQL lets it stand")
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@idle_transaction_timeout, @@innodb_lock_wait_timeout, @@lock_wait_timeout")
            assert cursor.fetchone() == (10, 5, 10)

    def test_is_committed_for_others_to_see(self):
        with transaction.atomic():
            Account.objects.create(name="acme")
        with connection.copy().cursor() as other:
            assert other.execute("SELECT * FROM accounts_account") == 1
            other.connection.close()


class TestAConnection:
    def test_is_ended_by_the_kernel_where_its_server_is_silent_for_less_than_a_lease(self):
        works()
        with socket.socket(fileno=os.dup(connection.connection.fileno())) as wire:
            keepalive = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
            idle_s, every_s, times = (wire.getsockopt(socket.IPPROTO_TCP, option) for option in keepalive)
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 1000 * (idle_s + every_s * times)
        assert timedelta(seconds=idle_s + every_s * times) < LEASE

    def test_in_use_a_moment_ago_is_not_asked_whether_it_lives(self):
        before = asked()
        request_starts()
        works()
        assert asked() - before == 2

    def test_that_was_cut_while_it_lay_idle_is_replaced_before_it_is_used(self):
        works()
        server_cuts_it()
        request_starts()
        pause()
        assert works()

    def test_that_was_cut_a_moment_ago_is_replaced_too(self):
        works()
        server_cuts_it()
        request_starts()
        pause(TRUSTED_UNSEEN_S)
        assert works()

    def test_that_was_in_use_this_very_moment_is_not_even_looked_at(self):
        works()
        server_cuts_it()
        request_starts()
        pause(-60)
        with pytest.raises(OperationalError):
            works()
        request_starts()
        pause(60)
        assert works()

    def test_that_is_cut_within_a_request_fails_it_and_is_replaced_for_the_next(self):
        request_starts()
        works()
        server_cuts_it()
        with pytest.raises(OperationalError), transaction.atomic():
            works()
        request_starts()
        with transaction.atomic():
            assert works()


class TestARead:
    ALL = "SELECT id, name, balance, created_at FROM accounts_account WHERE name IN (%s, %s) AND balance >= %s AND name LIKE 'a%%'"

    def test_finds_what_a_cursor_finds(self):
        for name in ("ann's", "añna", "bob"):
            Account.objects.create(name=name)
        values = ["ann's", "añna", 0]
        found = connection.read(self.ALL, values)
        with connection.cursor() as cursor:
            cursor.execute(self.ALL, values)
            assert found == cursor.fetchall()
        assert len(found) == 2

    def test_takes_bytes_for_bytes(self):
        assert connection.read("SELECT HEX(%s)", [b"\x00'\xff"]) == (("0027FF",),)

    def test_without_values_is_one_too(self):
        assert connection.read("SELECT 1", []) == ((1,),)

    def test_is_prepared_once_for_a_connection(self):
        if not connection.mysql_is_mariadb:
            pytest.skip("MySQL takes no values in EXECUTE")
        before = asked("Com_prepare_sql")
        for value in (1, 2):
            assert connection.read("SELECT %s + 1", [value]) == ((value + 1,),)
        assert asked("Com_prepare_sql") - before == 1

    def test_is_prepared_anew_where_the_connection_is_new(self):
        connection.read("SELECT %s", [1])
        connection.close()
        assert connection.read("SELECT %s", [1]) == ((1,),)

    def test_of_many_kinds_leaves_no_more_than_a_few_prepared(self):
        for _ in range(2):
            for column in range(PREPARED + 3):
                assert connection.read(f"SELECT %s + {column}", [100]) == ((100 + column,),)
        assert len(connection._prepared) <= PREPARED

    def test_that_cannot_be_prepared_leaves_the_others(self):
        for column in range(PREPARED):
            connection.read(f"SELECT %s + {column}", [100])
        with pytest.raises(ProgrammingError):
            connection.read("SELECT %s FROM nowhere", [1])
        for column in range(PREPARED):
            assert connection.read(f"SELECT %s + {column}", [100]) == ((100 + column,),)

    def test_is_counted_with_the_queries_of_a_test(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            connection.read("SELECT 1", [])

    def test_in_a_transaction_that_broke_is_refused(self):
        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(TransactionManagementError):
                connection.read("SELECT 1", [])

    def test_over_a_connection_that_was_cut_fails_as_djangos_own(self):
        connection.read("SELECT 1", [])
        server_cuts_it()
        with pytest.raises(OperationalError), transaction.atomic():
            connection.read("SELECT 1", [])
        request_starts()
        assert connection.read("SELECT 1", []) == ((1,),)


class TestARun:
    NAMED = "BEGIN NOT ATOMIC UPDATE accounts_account SET name = %s; UPDATE accounts_account SET held = held + %s; END"

    def test_of_a_block_leaves_the_connection_as_it_was(self):
        if not connection.mysql_is_mariadb:
            pytest.skip("MySQL has no blocks outside of procedures")
        Account.objects.create(name="acme", balance=9)
        for held in (1, 2):
            connection.run(self.NAMED, ["it's 100 %", 1])
            assert connection.read("SELECT name, held FROM accounts_account", []) == (("it's 100 %", held),)

    def test_that_a_constraint_forbids_fails_as_djangos_own(self):
        Account.objects.create(name="acme")
        with pytest.raises(IntegrityError):
            connection.run("UPDATE accounts_account SET held = balance + %s", [1])

    def test_that_fails_leaves_it_so_too(self):
        with pytest.raises(ProgrammingError):
            connection.run("UPDATE nowhere SET a = %s", [1])
        assert works()

    def test_is_counted_with_the_queries_of_a_test(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            connection.run("DO %s", [1])
