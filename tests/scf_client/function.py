"""A real function process on a free port, asked as the platform asks it: POST /event-invoke."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.servers import free_port

from .runtime import PATIENCE_S, wait_until

ROOT = Path(__file__).parent.parent.parent
ANSWER_S = 240  # a machine may be busy with other things


@dataclass(frozen=True)
class Answer:
    """The envelope, and the folder with its files."""

    envelope: dict[str, Any]
    out: Path

    @property
    def outputs(self) -> list[dict[str, Any]]:
        assert self.envelope["ok"], self.envelope
        return self.envelope["outputs"]

    @property
    def files(self) -> list[Path]:
        return [self.out / output["file"] for output in self.outputs]

    @property
    def error(self) -> dict[str, Any]:
        assert not self.envelope["ok"], self.envelope
        return self.envelope["error"]


class Function:
    """`name` as a process; each call gets folders of its own below `folder`; `more` adds environment variables."""

    def __init__(self, name: str, folder: Path, *options: str, module: str = "scf_client.functions", home: Path = ROOT, **more: str):
        self.port, self._folder, self._calls = free_port(), folder, 0
        command = [sys.executable, "-m", f"{module}.{name}", "--port", str(self.port), *options]
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=home, stderr=log, env={**os.environ, "PYTHONPATH": "", **more})
        wait_until(self._answers, f"{name} to answer")

    def __call__(self, kind: str, given: Any, *, token: str = "t1") -> Answer:
        self._calls += 1
        out, work = self._folder / f"out{self._calls}", self._folder / f"work{self._calls}"
        event = {"token": token, "kind": kind, "input": given, "out": str(out), "work": str(work)}
        return Answer(self.post(json.dumps(event).encode())[1], out)

    def post(
        self, body: bytes, path: str = "/event-invoke", *, headers: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as answer:
            return answer.code, json.load(answer)

    def end(self) -> None:
        self.process.kill()
        self.process.wait(timeout=PATIENCE_S)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=PATIENCE_S).status == 200
        except OSError:
            return False
