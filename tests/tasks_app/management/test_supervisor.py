"""The supervisor, with real processes: it keeps them alive, and leaves none behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tasks_app.management.supervisor import Process, Supervisor, beside_python, read_procfile
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 30

# Says its own id, and that of a child which would outlive it, then waits; TERM ends it as told by its argument.
STEADY = """
import os, signal, subprocess, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(os.getpid(), child.pid, flush=True)
time.sleep(600)
"""


class Lines:
    """What the supervised processes wrote; `wait_for(name, count)` blocks until so many lines of one are there."""

    def __init__(self):
        self.all = []
        self._more = threading.Condition()

    def write(self, name, line):
        with self._more:
            self.all.append((name, line))
            self._more.notify_all()

    def of(self, name):
        return [line for written_by, line in self.all if written_by == name]

    def wait_for(self, name, count):
        with self._more:
            assert self._more.wait_for(lambda: len(self.of(name)) >= count, PATIENCE_S), self.all
        return self.of(name)[count - 1]


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def supervise(lines):
    """Starts a supervisor over `name=command` processes and stops it at the end, whatever happens."""
    started = []

    def start(grace_s=20.0, **commands):
        processes = [Process(name, tuple(command)) for name, command in commands.items()]
        supervisor = Supervisor(os.environ, processes, write=lines.write, grace_s=grace_s, first_wait_s=0.05)
        started.append(supervisor)
        supervisor.start()
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


def python(code, *arguments):
    return [sys.executable, "-c", textwrap.dedent(code), *arguments]


def ids(line):
    return [int(word) for word in line.split()]


def is_gone(pid):
    """Whether it ended; one that nobody has collected yet counts as ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def wait_until(condition, what):
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain until {what}"
        time.sleep(0.01)


class TestAProcessDies:
    def test_it_is_started_again_and_the_end_is_told(self, supervise, lines):
        supervise(web=python("print('here', flush=True); raise SystemExit(3)"))
        assert [lines.wait_for("web", place) for place in (1, 2, 3)] == ["here", "ended (status 3); starts again in 0.05 s", "here"]

    def test_each_end_in_a_row_doubles_the_wait(self, supervise, lines):
        supervise(web=python("raise SystemExit(1)"))
        waits = [lines.wait_for("web", place).split()[-2] for place in (1, 2, 3)]
        assert waits == ["0.05", "0.1", "0.2"]

    def test_a_kill_takes_what_it_left_behind_with_it(self, supervise, lines):
        supervisor = supervise(web=python(STEADY, "meek"))
        leader, child = ids(lines.wait_for("web", 1))
        os.kill(leader, signal.SIGKILL)
        assert lines.wait_for("web", 2) == "ended (signal SIGKILL); starts again in 0.05 s"
        wait_until(lambda: is_gone(child), "its child had ended")
        again, _ = ids(lines.wait_for("web", 3))
        assert supervisor.pid("web") == again != leader

    def test_kill_by_name_is_such_a_death(self, supervise, lines):
        supervisor = supervise(web=python(STEADY, "meek"), beat=python(STEADY, "meek"))
        beat = ids(lines.wait_for("beat", 1))[0]
        lines.wait_for("web", 1)
        supervisor.kill("web")
        assert "SIGKILL" in lines.wait_for("web", 2)
        assert supervisor.pid("beat") == beat

    def test_a_command_that_does_not_exist_is_told_and_tried_again(self, supervise, lines):
        supervise(web=["/nowhere/gunicorn"])
        assert "/nowhere/gunicorn" in lines.wait_for("web", 1)
        assert "/nowhere/gunicorn" in lines.wait_for("web", 2)


class TestStopping:
    def test_everything_ends_children_included(self, supervise, lines):
        supervisor = supervise(web=python(STEADY, "meek"), worker=python(STEADY, "meek"))
        pids = ids(lines.wait_for("web", 1)) + ids(lines.wait_for("worker", 1))
        supervisor.stop()
        wait_until(lambda: all(is_gone(pid) for pid in pids), "all had ended")
        assert (len(lines.of("web")), len(lines.of("worker"))) == (1, 1)

    def test_what_ignores_term_is_killed_after_the_grace(self, supervise, lines):
        supervisor = supervise(grace_s=0.2, web=python(STEADY, "stubborn"))
        pids = ids(lines.wait_for("web", 1))
        supervisor.stop()
        wait_until(lambda: all(is_gone(pid) for pid in pids), "all had ended")

    def test_a_process_that_is_down_is_not_started_any_more(self, supervise, lines):
        supervisor = supervise(web=python("raise SystemExit(1)"))
        lines.wait_for("web", 1)
        supervisor.stop()
        assert supervisor.pid("web") is None
        count = len(lines.all)
        supervisor.stop()
        assert len(lines.all) == count

    def test_last_words_are_passed_on(self, supervise, lines):
        farewell = """
            import signal, sys, time
            signal.signal(signal.SIGTERM, lambda *_: (print("farewell", flush=True), sys.exit(0)))
            print("ready", flush=True)
            time.sleep(600)
        """
        supervisor = supervise(web=python(farewell))
        lines.wait_for("web", 1)
        supervisor.stop()
        assert lines.of("web") == ["ready", "farewell"]


class TestTheSupervisorItselfIsKilled:
    def test_its_processes_end_too(self):
        # What a real one would do: a supervisor in a process of its own.
        code = """
            import os, time
            from tasks_app.management.supervisor import Process, Supervisor
            Supervisor(os.environ, [Process("web", ("sh", "-c", "echo $$; exec sleep 600"))]).start()
            time.sleep(600)
        """
        with subprocess.Popen(python(code), cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
            leader = ids(supervisor.stdout.readline().partition("|")[2])[0]
            supervisor.kill()
        wait_until(lambda: is_gone(leader), "the process that the supervisor had started was gone")


class TestWaitingUntilReady:
    def test_it_returns_once_the_url_answers(self, supervise, tmp_path):
        port = free_port()
        supervisor = supervise(web=[sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)])
        supervisor.wait_ready(f"http://127.0.0.1:{port}/", timeout_s=PATIENCE_S)

    def test_it_says_what_was_answered_last_when_it_gives_up(self, supervise):
        supervisor = supervise(web=python(STEADY, "meek"))
        with pytest.raises(TimeoutError, match=r"was not ready after 0 s: .*refused"):
            supervisor.wait_ready(f"http://127.0.0.1:{free_port()}/", timeout_s=0.3)


class TestTheProcfile:
    def test_lines_become_processes_with_their_names_filled_in(self, tmp_path):
        file = tmp_path / "Procfile"
        file.write_text("# a comment: with a colon\n\nweb: gunicorn -c x.py app\nbox: python -m box --port $PORT\n")
        assert read_procfile(file, {"PORT": "81"}) == [
            Process("web", ("gunicorn", "-c", "x.py", "app")),
            Process("box", ("python", "-m", "box", "--port", "81")),
        ]

    def test_scripts_beside_this_python_come_first(self):
        env = beside_python({"PATH": "/usr/bin", "X": "1"})
        assert env["PATH"] == f"{Path(sys.executable).parent}:/usr/bin"
        assert env["X"] == "1"
