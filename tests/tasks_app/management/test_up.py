"""`manage.py up`, as an operator runs it: real processes on SQLite, without Redis."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_S = 90
PROCESSES = ("web", "stream", "worker", "beat", "functions")


class Up:
    """One `manage.py up` with data and ports of its own."""

    def __init__(self, folder, **more):
        self.web, self.functions = free_port(), free_port()
        self.mark = f"BROKER_DIR={folder / 'broker'}"
        self.env = os.environ | {
            "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
            "REDIS_URL": "",
            "STORAGE_DIR": str(folder / "storage"),
            "BROKER_DIR": str(folder / "broker"),
            "FUNCTIONS_DIR": str(folder / "functions"),
            "FUNCTIONS_URL": f"http://127.0.0.1:{self.functions}",
            "WEB_BIND": f"127.0.0.1:{self.web}",
            "STREAM_BIND": f"unix:{folder / 'stream.sock'}",
            "STREAM_SOCKET": str(folder / "handover.sock"),
            "PUBLIC_URL": f"http://127.0.0.1:{self.web}",
            **more,
        }
        self.lines, self._more = [], threading.Condition()

    def start(self):
        command = [sys.executable, "manage.py", "up"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        for line in self.process.stdout:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()

    def wait_for(self, text, *, count=1):
        """The line that holds `text` for the `count`th time."""
        with self._more:
            assert self._more.wait_for(lambda: len(self._with(text)) >= count, PATIENCE_S), "\n".join(self.lines)
            return self._with(text)[count - 1]

    def _with(self, text):
        return [line for line in self.lines if text in line]

    def is_serving(self):
        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.web}/readyz", timeout=5) as answer:
            return answer.status == 200
        return False

    def pids(self):
        """Of everything that carries our environment: `up` and all that came of it."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if f"\0{self.mark}\0" in "\0" + (folder / "environ").read_text(errors="replace"):
                    found.append(int(folder.name))
        return found

    def end(self):
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="class")
def up(tmp_path_factory):
    """Serving; shared by the tests of a class."""
    running = Up(tmp_path_factory.mktemp("up")).start()
    try:
        running.wait_for("Darkroom is up")
        yield running
    finally:
        running.end()


def wait_until(condition, what):
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain until {what}"
        time.sleep(0.05)


class TestServing:
    def test_it_says_where_things_are_once_they_answer(self, up):
        assert up.is_serving()
        for what in ("/api/v1/", "/api/docs/", "/admin/", "create_account NAME"):
            assert up.wait_for(what)

    def test_a_fresh_database_is_ready_for_tasks(self, up):
        assert up.env["DATABASE_URL"].startswith("sqlite")
        done = subprocess.run(
            [sys.executable, "manage.py", "install_models"], cwd=ROOT, env=up.env, capture_output=True, text=True, check=True
        )
        assert "created" not in done.stdout

    def test_each_line_says_whose_it_is(self, up):
        assert up.wait_for("web       | ")

    @pytest.mark.parametrize("name", PROCESSES)
    def test_what_is_killed_comes_back(self, up, name):
        os.kill(leader(up, name), signal.SIGKILL)
        up.wait_for(f"{name:<9} | ended (signal SIGKILL); starts again in 1 s")
        wait_until(lambda: leader(up, name), f"{name} was back")
        wait_until(up.is_serving, "it served again")


def leader(up, name):
    """The process id of the Procfile's `name`; 0 while it is down."""
    signs = {"web": "config.wsgi", "stream": "config.asgi", "worker": "\0worker\0", "beat": "\0beat\0", "functions": "scf_client.local"}
    for pid in up.pids():
        with suppress(OSError):
            command = Path(f"/proc/{pid}/cmdline").read_text()
            if signs[name] in command and parent(pid) == up.process.pid:
                return pid
    return 0


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class TestEnding:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_ctrl_c_and_term_stop_everything_and_it_exits_well(self, tmp_path, number):
        up = Up(tmp_path).start()
        try:
            up.wait_for("Darkroom is up")
            up.process.send_signal(number)
            assert up.process.wait(PATIENCE_S) == 0, "\n".join(up.lines)
            wait_until(lambda: not up.pids(), "nothing was left")
        finally:
            up.end()

    def test_nothing_outlives_a_killed_supervisor(self, tmp_path):
        up = Up(tmp_path).start()
        try:
            up.wait_for("Darkroom is up")
            up.process.kill()
            wait_until(lambda: not up.pids(), "nothing was left")
        finally:
            up.end()


class TestAPortIsTaken:
    @pytest.mark.parametrize(("variable", "scheme"), [("WEB_BIND", ""), ("STREAM_BIND", ""), ("FUNCTIONS_URL", "http://")])
    def test_it_refuses_to_start_and_names_the_address(self, tmp_path, variable, scheme):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            up = Up(tmp_path, **{variable: scheme + address}).start()
            assert up.process.wait(PATIENCE_S) == 1
        assert f"Something listens on {address} already. Stop it, or set {variable} to another address." in up.wait_for(address)
        assert not (tmp_path / "db.sqlite3").exists()
