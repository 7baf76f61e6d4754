"""What an operator is told of a MySQL and a Redis that are not set as they should be."""

import pytest
from django.db import connection

from tasks_app.server_checks import OF_MYSQL, OF_REDIS, mysql_is_set_right, redis_is_set_right, unmet
from tests.deploy.servers import PlannedMariaDB, PlannedRedis
from tests.servers import Redis, free_port
from tests.tasks_app.test_checks import manage

RIGHT = {
    "innodb_flush_log_at_trx_commit": "1",
    "max_connections": "80",
    "max_allowed_packet": "33554432",
    "innodb_buffer_pool_size": "536870912",
    "maxmemory": "100000000",
    "maxmemory_policy": "volatile-ttl",
}
WRONG = [
    ("innodb_flush_log_at_trx_commit", "2", "W004"),
    ("max_connections", "60", "W005"),
    ("max_allowed_packet", "1048576", "W006"),
    ("innodb_buffer_pool_size", "134217728", "W007"),
    ("maxmemory", "0", "W009"),
    ("maxmemory_policy", "allkeys-lru", "W010"),
]


def told(found):
    return [fault.id for fault in unmet(OF_MYSQL + OF_REDIS, found)]


class TestASetting:
    def test_as_it_should_be_is_fine(self):
        assert told(RIGHT) == []

    @pytest.mark.parametrize(("variable", "value", "id"), WRONG)
    def test_that_is_wrong_is_told_with_its_value_and_what_would_be_right(self, variable, value, id):
        (fault,) = unmet(OF_MYSQL + OF_REDIS, RIGHT | {variable: value})
        assert fault.id == f"tasks_app.{id}"
        assert f"{variable} is {value}" in fault.msg
        assert fault.hint.startswith("Set ")


class TestTheServersOfATest:
    def test_are_told_what_they_lack(self, db):
        if connection.vendor != "mysql":
            pytest.skip("SQLite has no such settings")
        ids = {fault.id for fault in mysql_is_set_right(None, databases=["default"])}
        assert "tasks_app.W004" in ids  # tests need no durability

    def test_a_redis_without_a_bound_is_told(self, settings):
        with Redis() as server:
            settings.REDIS_URL = server.url()
            assert [fault.id for fault in redis_is_set_right(None)] == ["tasks_app.W009"]

    def test_one_that_is_away_is_told(self, settings):
        settings.REDIS_URL = f"redis://:hush-hush@127.0.0.1:{free_port()}/0"
        (fault,) = redis_is_set_right(None)
        assert fault.id == "tasks_app.W011"
        assert "hush" not in str(fault)

    def test_none_is_needed(self, settings):
        settings.REDIS_URL = ""
        assert redis_is_set_right(None) == []


class TestTheServersThatWeShip:
    def test_lack_nothing(self, monkeypatch):
        with PlannedMariaDB() as database, PlannedRedis() as cache:
            database.run("CREATE DATABASE darkroom CHARACTER SET utf8mb4")
            monkeypatch.setenv("REDIS_URL", cache.url())
            code, said = manage(database.url(), "check", "--deploy", "--database", "default")
        assert code == 0, said
        assert "tasks_app." not in said
