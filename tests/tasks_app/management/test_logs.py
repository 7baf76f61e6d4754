"""`manage.py logs`: lines as production writes them, readable and narrowed."""

import json
import logging
import os
import subprocess
import sys
import threading

import pytest
from django.conf import settings

from config.logging import AboutFilter, JsonFormatter
from tasks_app import context
from tasks_app.management.commands import logs
from tasks_app.management.log_lines import Filter, read, shown

TASK = "task_01k9zzzzzzzzzzzzzzzzzzzzzz"
ROOT = settings.PROCFILE.parent


def written(message: str, *, level=logging.INFO, error: bool = False, task: str = "", request: str = "", **extra) -> str:
    """A line as our own formatter writes it."""
    record = logging.getLogger("access").makeRecord("access", level, "x.py", 1, message, (), None, extra=extra)
    if error:
        try:
            raise ValueError("a fault")
        except ValueError:
            record.exc_info = sys.exc_info()
    with context.about(context.task_id, task), context.about(context.request_id, request):
        AboutFilter().filter(record)
    return JsonFormatter().format(record)


def journal(line: str, unit: str) -> str:
    """As `journalctl -o json` gives it."""
    return json.dumps({"MESSAGE": line, "_SYSTEMD_UNIT": f"darkroom-{unit}.service", "__CURSOR": "s=1"})


def lines(*texts: str, **narrowed) -> list[str]:
    return [shown(line) for line in filter(Filter(**narrowed).takes, read(texts))]


class TestALine:
    def test_is_one_readable_line_with_what_it_is_about(self):
        (line,) = lines(written("POST /api/v1/tasks 201", request="req_1", ms=3.2, status=201))
        assert line[8:] == " INFO access: POST /api/v1/tasks 201  request_id=req_1  ms=3.2  status=201"

    def test_has_its_traceback_below_it(self):
        first, *rest = lines(written("step submit failed", level=logging.ERROR, error=True))[0].splitlines()
        assert "ERROR" in first
        assert rest[0] == "    Traceback (most recent call last):"
        assert rest[-1] == "    ValueError: a fault"

    @pytest.mark.parametrize("text", ["plain words", '{"half": ', "[1, 2]", '{"no": "level"}'])
    def test_that_is_none_of_ours_is_shown_as_it_is(self, text):
        assert lines(text) == [text]


class TestWhereItComesFrom:
    def test_is_told_by_the_journals_unit(self):
        line = journal(written("hello"), "worker@poll")
        assert " INFO    worker@poll access: hello" in lines(line)[0]

    def test_is_told_by_up(self):
        assert " INFO    beat access: hello" in lines(f"beat      | {written('hello')}")[0]

    def test_is_told_by_the_file(self):
        assert " INFO    web access: hello" in lines("==> /var/log/darkroom/web.log <==", written("hello"))[0]

    def test_bytes_of_the_journal_that_are_no_text_break_nothing(self):
        assert lines(json.dumps({"MESSAGE": [104, 105, 255], "_SYSTEMD_UNIT": "darkroom-web.service"})) == ["web hi\ufffd"]
        assert lines(json.dumps({"MESSAGE": None, "_SYSTEMD_UNIT": "darkroom-web.service"})) == ["web "]


class TestNarrowing:
    TEXTS = (
        journal(written("about the task", task=TASK), "worker@poll"),
        journal(written(f"GET /api/v1/tasks/{TASK} 200", request="req_7"), "web"),
        journal(written("about another", level=logging.WARNING, task="task_x"), "worker@store"),
        journal("Started Darkroom's web tier.", "web"),
    )

    @pytest.mark.parametrize(
        ("narrowed", "words"),
        [
            ({"about": (TASK,)}, ["about the task", "GET /api"]),
            ({"about": ("req_7",)}, ["GET /api"]),
            ({"process": "worker"}, ["about the task", "about another"]),
            ({"process": "worker@store"}, ["about another"]),
            ({"level": "WARNING"}, ["about another"]),
            ({"level": "INFO", "process": "web"}, ["GET /api"]),
            ({}, ["about the task", "GET /api", "about another", "Started"]),
        ],
    )
    def test_leaves_what_was_asked_for(self, narrowed, words):
        found = lines(*self.TEXTS, **narrowed)
        assert len(found) == len(words)
        assert all(word in line for word, line in zip(words, found, strict=True))


class TestTheCommand:
    def command(self, *words: str, **more) -> subprocess.Popen:
        environment = {**os.environ, "DATABASE_URL": "mysql://root@127.0.0.1:1/away"}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([sys.executable, "manage.py", "logs", *words], cwd=ROOT, env=environment, **pipes)

    def test_reads_what_is_piped_in_even_where_the_database_is_away(self):
        said, fault = self.command("--task", TASK, "-").communicate("\n".join(TestNarrowing.TEXTS), timeout=60)
        assert (len(said.splitlines()), fault) == (2, "")

    def test_follows_a_file_past_its_rotation(self, tmp_path):
        log = tmp_path / "web.log"
        log.write_text(written("before") + "\n")
        command = self.command("-f", str(log))
        guard = threading.Timer(60, command.kill)
        guard.start()
        assert "web access: before" in command.stdout.readline()
        log.rename(tmp_path / "web.log.1")
        log.write_text(written("after") + "\n")
        assert "web access: after" in command.stdout.readline()
        command.terminate()
        command.wait(30)
        guard.cancel()

    def test_says_what_to_do_where_there_is_no_journal(self):
        if logs.JOURNAL.is_dir():
            pytest.skip("this machine has one")
        _, fault = self.command().communicate(timeout=60)
        assert "name log files" in fault

    def test_asks_the_journal_for_darkrooms_units(self):
        command = logs.of_journal(follow=True, lines=50)
        assert command[:3] == ["journalctl", "-o", "json"]
        assert command[-5:] == ["-u", "darkroom*", "-n", "50", "-f"]
