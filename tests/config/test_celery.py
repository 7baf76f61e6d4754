"""Celery as it is configured: real worker and beat processes on both brokers, and a publisher that never stalls."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from pathlib import Path
from textwrap import dedent

import pytest

from config.celery import CONSUME, PUBLISH, SCHEDULE, app
from tasks_app.management.supervisor import beside_python, read_procfile
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 90


class TestTheTable:
    def test_each_step_has_a_queue_of_its_own(self):
        assert {duty.queue for duty in SCHEDULE.values()} == {queue.name for queue in app.conf.task_queues}
        for step in ("submit", "poll", "store", "notify"):
            assert app.conf.task_routes[f"tasks_app.workers.{step}_due"] == {"queue": step}

    def test_the_worker_of_the_procfile_consumes_every_queue(self):
        worker = next(process for process in read_procfile(ROOT / "Procfile", os.environ | PLACEHOLDERS) if process.name == "worker")
        named = worker.command[worker.command.index("-Q") + 1].split(",")
        assert set(named) == {queue.name for queue in app.conf.task_queues}

    def test_beats_entries_live_in_the_database_and_not_in_the_settings(self):
        # DatabaseScheduler writes what it finds here over an operator's changes at each start.
        assert app.conf.beat_schedule == {}

    def test_both_ends_agree_on_when_a_message_is_lost(self):
        # The sweeper of either end applies its own time-out to the other's messages.
        assert PUBLISH["visibility_timeout"] == CONSUME["visibility_timeout"]

    def test_time_is_utc_and_no_code_travels(self):
        assert (app.conf.timezone, app.conf.enable_utc, app.conf.accept_content) == ("UTC", True, ["json"])


PLACEHOLDERS = dict.fromkeys(("FUNCTIONS_PORT", "FUNCTIONS_DIR", "FUNCTIONS_MEMORY_MB", "FUNCTIONS_AT_ONCE", "LOG_FORMAT"), "")


class TestRedisIsAway:
    """Asked of a fresh process: the broker is chosen when the settings load."""

    def test_a_publisher_knows_at_once(self):
        code = """
            import time
            from config.celery import app
            app.connection_for_write().transport  # what is imported on first use is not what we measure
            started = time.monotonic()
            try:
                app.send_task("tasks_app.workers.submit_due", queue="submit")
            except Exception as fault:
                print(type(fault).__name__, time.monotonic() - started)
        """
        name, seconds = run(code, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0").split()
        assert name == "OperationalError"
        assert float(seconds) < 2  # 4.6 s with the client's own retries

    def test_a_consumer_has_patience_where_a_publisher_has_none(self):
        code = """
            from config.celery import app
            read, write = app.connection_for_read(), app.connection_for_write()
            for options in (read.transport_options, write.transport_options):
                print(options["socket_timeout"], options["max_retries"])
        """
        assert run(code, REDIS_URL="redis://127.0.0.1:1/0").split() == ["10", "None", "0.5", "0"]


def run(code, **variables):
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.fixture
def installed(tmp_path):
    """A fresh install on SQLite: the environment of its processes, and its database file."""
    file = tmp_path / "db.sqlite3"
    env = beside_python(os.environ | {"DATABASE_URL": f"sqlite:///{file}", "REDIS_URL": "", "BROKER_DIR": str(tmp_path / "broker")})
    env["FUNCTIONS_URL"] = f"http://127.0.0.1:{free_port()}"
    for command in (["migrate", "-v0"], ["install_models"], ["install_schedule"]):
        subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, env=env, capture_output=True, check=True)
    return env, file


def ask(file, sql):
    with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as connection:
        return connection.execute(sql).fetchall()


def processes(env, *names):
    """The Procfile's own commands, ended with the `with` block."""
    stack = ExitStack()
    for process in read_procfile(ROOT / "Procfile", env | PLACEHOLDERS):
        if process.name in names:
            child = stack.enter_context(
                subprocess.Popen(process.command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            stack.callback(child.kill)
    return stack


def wait_until(condition, what):
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain until {what}"
        time.sleep(0.1)


class TestBeatAndWorkerTogether:
    """Beat wakes the check of providers, and the worker writes what it found: nothing listens where the functions should be."""

    def test_without_redis_a_duty_is_done_at_the_operators_period(self, installed):
        env, file = installed
        every_second(file)
        with processes(env, "worker", "beat"):
            wait_until(
                lambda: ask(file, "SELECT 1 FROM providers_provider WHERE checked_at IS NOT NULL AND failed_checks > 0"), "it was checked"
            )
        assert ask(file, PERIOD) == [(1, "seconds")]

    def test_on_redis_likewise(self, installed, settings):
        if not settings.REDIS_URL:
            pytest.skip("needs a Redis (make test starts one)")
        env, file = installed
        every_second(file)
        with processes(env | {"REDIS_URL": settings.REDIS_URL}, "worker", "beat"):
            wait_until(
                lambda: ask(file, "SELECT 1 FROM providers_provider WHERE checked_at IS NOT NULL AND failed_checks > 0"), "it was checked"
            )

    def test_a_day_without_a_worker_leaves_one_wake_up_for_each_function(self, installed):
        env, file = installed
        every_second(file)
        folder, sent = Path(env["BROKER_DIR"]) / "messages", set()

        def has_sent_three():
            sent.update(path.stat().st_ino for path in folder.glob("*check_providers.upkeep.msg"))
            return len(sent) >= 3

        with processes(env, "beat"):
            wait_until(has_sent_three, "beat had sent three of the same")
            messages = list(folder.glob("*.msg"))
        assert 1 <= len(messages) <= len(SCHEDULE)


PERIOD = """
    SELECT every, period FROM django_celery_beat_periodictask task JOIN django_celery_beat_intervalschedule i ON i.id = task.interval_id
    WHERE task.name = 'check providers'
"""


def every_second(file):
    """As an operator would in the admin."""
    ask(file, "INSERT INTO django_celery_beat_intervalschedule (every, period) VALUES (1, 'seconds')")
    ask(
        file,
        "UPDATE django_celery_beat_periodictask SET interval_id = (SELECT max(id) FROM django_celery_beat_intervalschedule)"
        " WHERE name = 'check providers'",
    )
