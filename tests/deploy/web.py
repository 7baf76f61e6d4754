"""A real gunicorn with the configuration we ship, for the tests of this folder."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path

from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


class Gunicorn:
    """`with Gunicorn("config.wsgi", "--max-requests", "300", WEB_WORKERS="3") as web:`; its lines are in `lines`."""

    configuration = "deploy/gunicorn.conf.py"

    def __init__(self, application, *options, **variables):
        self.port = free_port()
        self.command = [sys.executable, "-m", "gunicorn", "-c", self.configuration, *options, application]
        self.env = os.environ | {"WEB_BIND": f"127.0.0.1:{self.port}"} | variables
        self.lines, self._more = [], threading.Condition()

    def __enter__(self):
        self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.env, stderr=subprocess.PIPE, text=True)
        threading.Thread(target=self._read, daemon=True).start()
        self.wait_for("Booting worker", count=int(self.env.get("WEB_WORKERS", "3")))
        return self

    def __exit__(self, *fault):
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE_S)
        self.process.kill()
        self.process.wait()

    def connect(self):
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def get(self, path, *, on=None):
        """Status and text; on a connection of its own unless `on` gives one."""
        connection = on or self.connect()
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def count(self, text):
        return sum(text in line for line in self.lines)

    def wait_for(self, text, *, count=1):
        with self._more:
            assert self._more.wait_for(lambda: self.count(text) >= count, PATIENCE_S), "\n".join(self.lines)

    def workers(self):
        """Their process ids now."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def _read(self):
        for line in self.process.stderr:
            with self._more:
                self.lines.append(line.rstrip("\n"))
                self._more.notify_all()


def wait_until(condition, what):
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain until {what}"
        time.sleep(0.02)
