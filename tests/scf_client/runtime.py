"""A real runtime process on a free port, for tests."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.servers import free_port

PATIENCE_S = 20
CARD = {"prompt": "reef", "size": "64x64"}
# Small enough for the memory limit, long enough that no test sees its end.
LONG_VIDEO = {"prompt": "reef", "duration": 30, "resolution": "720p"}


class Runtime:
    """`start()`, `kill()` as a power cut would, `stop()` in an orderly way; the root stays."""

    def __init__(self, root: Path, host: str = "127.0.0.1"):
        self.root, self.host, self.port = root, host, free_port()
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self, *options: str, under: Sequence[str] = ()) -> "Runtime":
        """`under` is a program that runs it, and becomes it."""
        self.process = subprocess.Popen([*under, *self.command(), *options])
        wait_until(self._answers, "the runtime to answer")
        return self

    def command(self) -> list[str]:
        return [sys.executable, "-m", "scf_client.local", "--host", self.host, "--port", str(self.port), "--root", str(self.root)]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=PATIENCE_S)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, json.loads(answer.read() or b"{}")

    def submit(self, token: str, given: dict, *, kind: str = "image.generate", time_limit_s: float = 60, function: str = "test_card"):
        event = {"kind": kind, "input": given}
        return self.call("POST", "/runs", {"function": function, "token": token, "event": event, "time_limit_s": time_limit_s})

    def state(self, token: str) -> dict[str, Any]:
        return self.call("GET", f"/runs/{token}")[1]

    def over(self, token: str) -> dict[str, Any]:
        """The final state, waited for."""
        return wait_until(lambda: (state := self.state(token))["status"] in ("finished", "failed") and state, f"{token} to be over")

    def working(self, token: str) -> int:
        """Wait until the run's encoder is at work; returns the process id of its instance."""
        wait_until(lambda: self.state(token)["progress"] > 0, f"{token} to get on")
        return instances(self.process.pid)[0]

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/healthz")[0] == 200
        except OSError:
            return False


def wait_until(condition: Callable[[], Any], what: str) -> Any:
    ends_at = time.monotonic() + PATIENCE_S
    while not (value := condition()):
        assert time.monotonic() < ends_at, f"waited {PATIENCE_S} s for {what}"
        time.sleep(0.02)
    return value


def instances(parent: int) -> list[int]:
    """The child processes of a process, oldest first."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def is_running(pid: int) -> bool:
    """Whether a process lives; one that is dead and not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
