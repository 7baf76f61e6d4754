"""The private servers themselves: what every other test stands on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import servers
from tests.servers import MariaDB, Redis, clear_leftovers

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 30


@pytest.fixture(scope="module")
def mariadb():
    with MariaDB(durable=True) as server:
        server.run("CREATE DATABASE d; CREATE TABLE d.t (n INT) ENGINE=InnoDB")
        yield server


class TestMariaDB:
    def test_it_answers_on_its_url(self, mariadb):
        assert mariadb.url("d") == f"mysql://root@127.0.0.1:{mariadb.port}/d"
        assert mariadb.run("SELECT @@port").strip() == str(mariadb.port)

    @pytest.mark.parametrize("end", ["stop", "kill"])
    def test_what_was_committed_is_there_after_a_stop_and_after_a_kill(self, mariadb, end):
        mariadb.run("DELETE FROM d.t; INSERT INTO d.t VALUES (7)")
        port = mariadb.port
        getattr(mariadb, end)()
        assert not mariadb.answers()
        mariadb.start()
        assert (mariadb.port, mariadb.run("SELECT n FROM d.t").strip()) == (port, "7")

    def test_durable_is_what_it_says(self, mariadb):
        assert mariadb.run("SELECT @@innodb_flush_log_at_trx_commit").strip() == "1"


class TestRedis:
    def test_it_forgets_everything_on_a_restart(self):
        with Redis() as redis:
            assert redis.answers()
            cli = [servers.found("redis-cli"), "-p", str(redis.port)]
            subprocess.run([*cli, "set", "a", "1"], check=True, capture_output=True)
            redis.restart()
            assert subprocess.run([*cli, "exists", "a"], check=True, capture_output=True, text=True).stdout.strip() == "0"

    def test_its_data_is_gone_when_it_is_removed(self):
        with Redis() as redis:
            folder = redis.folder
            assert folder.is_dir()
        assert not folder.exists()


class TestARunIsKilled:
    def test_its_servers_end_and_the_next_run_clears_what_they_left(self):
        code = "from tests.servers import Redis; server = Redis().start(); print(server.port, server.folder, flush=True); input()"
        with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
            port, folder = run.stdout.readline().split()
            os.kill(run.pid, signal.SIGKILL)
        wait_until_refused(int(port))
        assert Path(folder).is_dir()
        clear_leftovers()
        assert not Path(folder).exists()


def wait_until_refused(port):
    ends_at, server = time.monotonic() + PATIENCE_S, Redis.__new__(Redis)
    server.port = port
    while server.answers():
        assert time.monotonic() < ends_at, "the server outlived its run"
        time.sleep(0.02)


class TestAServerCannotStart:
    def test_its_own_words_are_in_the_error(self):
        redis = Redis()
        with pytest.raises(RuntimeError, match=r"redis did not start:[\s\S]*FATAL CONFIG FILE ERROR"):
            redis.start(port=65536)
        redis.remove()

    def test_a_taken_port_is_named(self):
        second = Redis()
        with Redis() as first, pytest.raises(RuntimeError, match=f"something answers on port {first.port} already"):
            second.start(first.port)
        second.remove()

    def test_a_missing_program_is_named(self):
        with pytest.raises(RuntimeError, match="no-such-server is not on this machine"):
            servers.found("no-such-server")
