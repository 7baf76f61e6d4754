"""The web tier as it is shipped: workers are replaced without a client noticing, and its share of the database is bounded."""

import json
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deploy.web import ROOT, Gunicorn, wait_until
from tests.servers import MariaDB

CLIENTS = 50


def ask_many(web, path, *, times, clients=CLIENTS):
    """Status counts of `times` requests, over `clients` kept-alive connections at once."""
    statuses, lock = {}, threading.Lock()

    def client(_):
        connection = web.connect()
        for _ in range(times // clients):
            try:
                status, _ = web.get(path, on=connection)
            except OSError as fault:
                status = repr(fault)
                connection = web.connect()
            with lock:
                statuses[status] = statuses.get(status, 0) + 1

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(client, range(clients)))
    return statuses


class TestWorkersAreRecycled:
    def test_under_load_every_request_is_answered(self):
        with Gunicorn("config.wsgi", "--max-requests", "300", "--max-requests-jitter", "0") as web:
            statuses = ask_many(web, "/healthz", times=6000)
            web.wait_for("Autorestarting worker", count=16)
        assert statuses == {200: 6000}

    def test_in_production_they_go_at_different_times(self):
        command = [sys.executable, "-m", "gunicorn", "--print-config", "-c", "deploy/gunicorn.conf.py", "config.wsgi"]
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        shipped = dict(re.split(r"\s+=\s+", line, maxsplit=1) for line in shown.splitlines() if "=" in line)
        assert (shipped["max_requests"], shipped["max_requests_jitter"]) == ("20000", "2000")


class TestAConnection:
    def test_ends_after_fifty_requests_and_its_client_is_told(self):
        with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1") as web:
            connection, told = web.connect(), []
            for _ in range(50):
                connection.request("GET", "/")
                answer = connection.getresponse()
                answer.read()
                told.append(answer.headers["Connection"])
        assert told == ["keep-alive"] * 49 + ["close"]


class TestAWorkerLeaks:
    def test_above_the_limit_it_is_replaced_and_every_request_is_answered(self):
        with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1", WEB_MEMORY_LIMIT_MB="200") as web:
            leaking = web.workers()
            assert ask_many(web, "/leak/2", times=200, clients=10) == {200: 200}
            web.wait_for("above WEB_MEMORY_LIMIT_MB=200")
            wait_until(lambda: web.workers() and not set(leaking) & set(web.workers()), "another worker served")
            assert web.get("/")[0] == 200

    def test_a_request_that_it_has_begun_is_finished_first(self):
        with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1", WEB_MEMORY_LIMIT_MB="200") as web:
            pid = web.get("/")[1]
            with ThreadPoolExecutor(1) as pool:
                slow = pool.submit(web.get, "/slow/3")
                wait_until(lambda: web.get("/at-work")[1] == "1", "the slow request was at work")
                wait_until(lambda: web.count("above") or web.get("/leak/50"), "it leaked")
                assert slow.result() == (200, pid)

    def test_below_the_limit_it_stays(self):
        with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1", WEB_MEMORY_LIMIT_MB="200") as web:
            worker = web.workers()
            ask_many(web, "/", times=500, clients=10)
            assert web.workers() == worker


class TestStopping:
    def test_what_has_begun_is_answered(self):
        with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1") as web, ThreadPoolExecutor(1) as pool:
            slow = pool.submit(web.get, "/slow/2")
            wait_until(lambda: web.get("/at-work")[1] == "1", "the slow request was at work")
            web.process.terminate()
            assert slow.result()[0] == 200


class TestTheDatabase:
    @pytest.fixture
    def database(self):
        with MariaDB() as server:
            server.run("CREATE DATABASE darkroom")
            yield server

    def test_there_are_eighteen_connections_at_most(self, database, tmp_path):
        with Gunicorn("config.wsgi", DATABASE_URL=database.url(), REDIS_URL="", STORAGE_DIR=str(tmp_path)) as web:
            done = threading.Event()
            seen = []

            def watch():
                while not done.is_set():
                    seen.append(connections(database))

            watcher = threading.Thread(target=watch)
            watcher.start()
            statuses = ask_many(web, "/readyz", times=2000)
            done.set()
            watcher.join()
            assert statuses == {200: 2000}
            assert 5 <= max(seen) <= 18

    def test_they_are_kept(self, database, tmp_path):
        with Gunicorn("config.wsgi", DATABASE_URL=database.url(), REDIS_URL="", STORAGE_DIR=str(tmp_path)) as web:
            ask_many(web, "/readyz", times=500)
            before, had = opened_ever(database), connections(database)
            ask_many(web, "/readyz", times=500)
            assert opened_ever(database) - before <= 2 + 18 - had  # two of ours; a thread that had none may open its first

    def test_after_a_restart_of_the_database_the_next_request_is_answered(self, database, tmp_path):
        with Gunicorn("config.wsgi", DATABASE_URL=database.url(), REDIS_URL="", STORAGE_DIR=str(tmp_path)) as web:
            ask_many(web, "/readyz", times=200)
            database.stop()
            assert web.get("/readyz")[0] == 503
            database.start()
            assert ask_many(web, "/readyz", times=200) == {200: 200}


def connections(database):
    """How many the web tier has open."""
    return int(database.run("SELECT COUNT(*) FROM information_schema.processlist WHERE db = 'darkroom'"))


def opened_ever(database):
    return int(database.run("SHOW GLOBAL STATUS LIKE 'Connections'").split()[-1])


class TestItsLines:
    def test_they_have_the_form_of_all_others(self):
        with Gunicorn("config.wsgi", LOG_FORMAT="json") as web:
            web.get("/healthz")
        lines = [json.loads(line) for line in web.lines]
        assert any(line["message"].startswith("Booting worker") for line in lines)
        assert {line["logger"] for line in lines} == {"gunicorn.error"}
