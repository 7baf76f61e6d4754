"""What the tests of accounts share: a clock that stands still, an account with credits, a Redis of their own."""

import shutil
import signal
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import redis
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts import credits
from accounts.models import Account
from tests.servers import Redis

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def now():
    return NOON


@pytest.fixture
def open_account(db):
    """Opens accounts: open_account("acme", credits=100, max_active=5)."""

    def make(name="acme", *, granted=100, max_active=100, **columns):
        account = Account.objects.create(name=name, max_active=max_active, **columns)
        if granted:
            credits.grant(account.id, granted, by="root", note="to begin with", now=NOON)
        return account

    return make


@pytest.fixture
def acme(open_account):
    return open_account("acme", granted=100, max_active=5)


def books(account):
    """balance, held and active as they are in the database."""
    return Account.objects.values_list("balance", "held", "active").get(id=account.id)


def settlement(account, *, held, captured=0, had_slot=True, reference="task_1"):
    return credits.Settlement(account.id, reference, held=held, captured=captured, had_slot=had_slot)


@contextmanager
def refused(error):
    """As a caller does it: the transaction in which credits refuse something is rolled back."""
    with pytest.raises(error) as caught, transaction.atomic():
        yield caught


class FrozenAtWill(Redis):
    """A server of this test's own, which it may also stop in its tracks."""

    def freeze(self):
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self._process.send_signal(signal.SIGCONT)

    def client(self):
        return redis.Redis(port=self.port, socket_timeout=0.2, retry=Retry(NoBackoff(), 0))


@pytest.fixture
def own_redis():
    """A running Redis, whose clients have the patience of production."""
    if not shutil.which("redis-server"):
        pytest.skip("needs redis-server")
    with FrozenAtWill() as server:
        yield server
