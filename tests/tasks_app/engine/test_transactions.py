"""Whole transactions, tried again where the server says that only the moment was wrong."""

from threading import Thread

import pytest
from django.db import OperationalError, connection

from accounts.models import Account
from tasks_app.engine.transactions import TRIES, whole

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def strict():
    """This thread's connection as MariaDB 11 would have it at REPEATABLE READ: what was read and has changed since is not written."""
    if connection.vendor != "mysql" or not connection.mysql_is_mariadb:
        pytest.skip("is about a variable of MariaDB's")
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


def write(account_id: int, balance: int) -> None:
    Account.objects.filter(id=account_id).update(balance=balance)
    connection.close()
