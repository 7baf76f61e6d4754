"""`manage.py doctor` in a whole server, of which one part after the other is really broken."""

import os
import shutil
import subprocess
import time
from contextlib import contextmanager

import MySQLdb
import pytest

from tests.journeys.faults.stage import wait_for
from tests.journeys.house import DATABASE, SECRETS, house

EVERY_PART = {
    "environment", "settings", "database", "web", "stream", "redis", "redis memory", "wake-ups", "storage", "disk", "functions", "schema",
    "durability", "connections", "clock", "beat", "workers", "queue lag", "stuck tasks", "providers", "webhooks", "books", "flags",
}  # fmt: skip
WITHIN_S = 40  # two rounds of 8 s at most, and the start of Python on a busy machine


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with house(tmp_path_factory.mktemp("house")) as made:
        made.run("check_providers")
        assert wait_for(lambda: made.sql("SELECT 1 FROM providers_provider WHERE checked_at IS NOT NULL"), within_s=60)
        yield made


@pytest.fixture(autouse=True)
def whole(home):
    """Whatever the test before broke runs again."""
    assert wait_for(home.has_reported, within_s=60) is not None


@contextmanager
def down(part):
    part.stop()
    try:
        yield
    finally:
        part.start()


@contextmanager
def frozen(part):
    part.freeze()
    try:
        yield
    finally:
        part.thaw()


class TestAllIsWell:
    def test_every_part_is_ok_and_it_exits_0(self, home):
        found = home.doctor()
        assert (found.code, found.not_ok()) == (0, set()), found.said
        assert {one["check"] for one in found.verdicts} == EVERY_PART
        assert all(one["figure"] and not one["remedy"] for one in found.verdicts)

    def test_for_people_it_is_a_line_for_each_part(self, home):
        done = home.manage("doctor")
        assert done.returncode == 0
        assert {line.split("  ")[1].strip() or line.split("  ")[2] for line in done.stdout.splitlines()[:-1]} == EVERY_PART
        assert done.stdout.splitlines()[-1].startswith("25 ok, 0 to look at, 0 broken.")


class TestTheEnvironment:
    def test_that_is_wrong_is_a_verdict_too_and_shows_no_value_of_a_secret(self, home):
        found = home.doctor(SECRET_KEY="too-short-for-a-key", WEB_WORKERS="0")
        assert (found.code, found.of("environment")) == (2, "fail")
        assert "WEB_WORKERS" in found.said
        assert "too-short-for-a-key" not in found.said

    def test_of_development_is_not_for_clients(self, home):
        found = home.doctor(DARKROOM_ENV="development")
        assert (found.code, found.not_ok()) == (1, {"environment"})

    def test_shows_no_password(self, home):
        urls = {"REDIS_URL": "redis://:redis-secret@127.0.0.1:1/0", "DATABASE_URL": "mysql://root:mysql-secret@127.0.0.1:1/darkroom"}
        found = home.doctor(**urls)
        assert found.code == 2
        assert not [secret for secret in ("redis-secret", "mysql-secret", *SECRETS.values()) if secret in found.said]


class TestRedis:
    def test_that_is_down_leaves_all_else_as_it_is(self, home):
        with down(home.redis):
            found = home.doctor()
        assert (found.code, found.not_ok()) == (2, {"redis", "wake-ups"})

    def test_that_is_frozen_is_told_in_time(self, home):
        with frozen(home.redis):
            began = time.monotonic()
            found = home.doctor()
        assert {"redis", "wake-ups"} <= found.not_ok()
        assert time.monotonic() - began < WITHIN_S

    def test_that_would_evict_wake_ups_should_be_looked_at(self, home):
        redis_cli(home, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        assert home.doctor().of("redis memory") == "warn"
        redis_cli(home, "CONFIG", "SET", "maxmemory-policy", "noeviction")

    def test_that_is_nearly_full_is_told_before_it_refuses(self, home):
        redis_cli(home, "CONFIG", "SET", "maxmemory", "1mb")
        assert home.doctor().of("redis memory") == "fail"
        redis_cli(home, "CONFIG", "SET", "maxmemory", "0")

    def test_wake_ups_that_nobody_takes(self, home):
        # Of a name that no worker listens to, as when its unit is missing: one that listens would take them all.
        with down(home.worker):
            redis_cli(home, "LPUSH", "store", *["{}"] * 200)
            assert (home.doctor().of("wake-ups"), "store" in home.doctor().text("wake-ups")) == ("warn", True)
            redis_cli(home, "DEL", "store")


class TestTheDatabase:
    def test_that_is_down_hides_what_stands_in_it_and_nothing_else(self, home):
        with down(home.mariadb):
            found = home.doctor()
        assert (found.code, found.of("database"), found.of("redis"), found.of("storage")) == (2, "fail", "ok", "ok")
        assert "Mend the database first" in found.text("road")

    def test_that_is_frozen_is_told_in_time(self, home):
        with frozen(home.mariadb):
            began = time.monotonic()
            found = home.doctor()
        assert (found.code, found.of("database")) == (2, "fail")
        assert time.monotonic() - began < WITHIN_S

    def test_that_may_lose_a_commit(self, home):
        home.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
        found = home.doctor()
        home.sql("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        assert (found.code, found.not_ok()) == (1, {"durability"})
        assert "innodb_flush_log_at_trx_commit=1" in found.text("durability")

    def test_whose_connections_are_nearly_used_up(self, home):
        home.sql("SET GLOBAL max_connections = 60")
        held = [MySQLdb.connect(host="127.0.0.1", port=home.mariadb.port, user="root") for _ in range(42)]
        found = home.doctor()
        for connection in held:
            connection.close()
        home.sql("SET GLOBAL max_connections = 300")
        assert found.not_ok() == {"connections"}

    def test_that_is_behind_the_code(self, home):
        home.sql("UPDATE django_migrations SET app = 'tasks_app_' WHERE app = 'tasks_app'")
        found = home.doctor()
        home.sql("UPDATE django_migrations SET app = 'tasks_app' WHERE app = 'tasks_app_'")
        assert (found.code, found.of("schema")) == (2, "fail")
        assert "manage.py migrate" in found.text("schema")

    @pytest.mark.skipif(not shutil.which("faketime"), reason="needs faketime")
    @pytest.mark.parametrize(("ahead", "level"), [("+10s", "warn"), ("+5m", "fail")])
    def test_whose_clock_is_not_ours(self, home, ahead, level):
        found = home.doctor(before=("faketime", "-m", "-f", ahead), FAKETIME_DONT_FAKE_MONOTONIC="1")
        assert found.of("clock") == level


class TestProcesses:
    def test_beat_that_stopped(self, home):
        with down(home.beat):
            found = home.doctor()
        assert (found.code, found.not_ok()) == (2, {"beat"})

    def test_beat_that_never_ran(self, home):
        with down(home.beat):
            home.sql("DELETE FROM tasks_app_process WHERE kind = 'beat'")
            assert "not seen within a day" in home.doctor().text("beat")

    def test_beat_that_hangs(self, home):
        with frozen(home.beat):
            home.sql("UPDATE tasks_app_process SET seen_at = seen_at - INTERVAL 1 MINUTE WHERE kind = 'beat'")
            assert home.doctor().of("beat") == "fail"

    def test_a_worker_that_stopped_leaves_every_step_unserved(self, home):
        with down(home.worker):
            found = home.doctor()
        assert found.of("workers") == "fail"
        assert "notify, poll, store, submit, upkeep" in found.text("workers")

    def test_web_that_stopped(self, home):
        with down(home.web):
            found = home.doctor()
        assert (found.code, found.not_ok()) == (1, {"web"})

    def test_a_stream_tier_that_stopped(self, home):
        with down(home.stream):
            found = home.doctor()
        assert (found.code, found.not_ok()) == (1, {"stream"})

    def test_web_that_hangs_is_told_in_time(self, home):
        with frozen(home.web):
            assert home.doctor().of("web") == "warn"

    def test_functions_that_stopped(self, home):
        with down(home.functions):
            found = home.doctor()
        assert found.of("functions") == "fail"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
class TestTheDisk:
    @pytest.fixture
    def small(self, tmp_path):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", tmp_path], capture_output=True, check=False).returncode:
            pytest.skip("this machine allows no mount")
        yield tmp_path
        subprocess.run(["umount", "--lazy", tmp_path], check=True)

    def test_that_no_result_fits_on_any_more(self, home, small):
        found = home.doctor(STORAGE_DIR=str(small))
        assert (found.code, found.not_ok()) == (2, {"disk"})

    def test_that_is_full_takes_no_probe(self, home, small):
        with pytest.raises(OSError, match="No space"):
            (small / "filler").write_bytes(bytes(17_000_000))
        found = home.doctor(STORAGE_DIR=str(small))
        assert found.not_ok() == {"disk", "storage"}
        assert "No space left" in found.text("storage")


def redis_cli(home, *words: str) -> None:
    subprocess.run(["redis-cli", "-p", str(home.redis.port), *words], check=True, capture_output=True)


def test_nothing_of_this_wrote_a_task(home):
    assert home.sql(f"SELECT COUNT(*) FROM {DATABASE}.tasks_app_task").strip() == "0"
