"""A Darkroom of its own on the embedded default (SQLite, no Redis, local storage and functions), for the demo and the journeys."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from .client import Client

ROOT = Path(__file__).resolve().parents[2]


class NotReady(Exception):
    """It did not start; the message says where its lines are."""


class Stage:
    """`with Stage(folder) as stage:` serves everything with its data below `folder`; `more` adds environment variables."""

    def __init__(self, folder: Path, **more: str):
        self.folder, self.log = folder, folder / "log.txt"
        web, functions = free_ports(2)
        self.url = f"http://127.0.0.1:{web}"
        self.environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{folder / 'darkroom.sqlite3'}",
            "REDIS_URL": "",
            "STORAGE": "disk",
            "STORAGE_DIR": str(folder / "storage"),
            "BROKER_DIR": str(folder / "broker"),
            "FUNCTIONS_DIR": str(folder / "functions"),
            "FUNCTIONS_URL": f"http://127.0.0.1:{functions}",
            "WEB_BIND": f"127.0.0.1:{web}",
            "STREAM_BIND": f"unix:{folder}/stream.sock",
            "STREAM_SOCKET": str(folder / "handover.sock"),
            "PUBLIC_URL": self.url,
            **more,
        }

    def __enter__(self) -> "Stage":
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("w") as log:
            command = [sys.executable, "manage.py", "up"]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True)
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def client(self, *, credits: int) -> Client:
        """A client with a fresh account."""
        return Client(self.url, self.key(credits=credits))

    def key(self, *, credits: int) -> str:
        """The API key of a fresh account."""
        command = [sys.executable, "manage.py", "create_account", f"demo-{secrets.token_hex(4)}", "--credits", str(credits)]
        said = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True).stdout
        return said.split()[-1]

    def _wait_ready(self, *, within_s: float = 60) -> None:
        ends_at = time.monotonic() + within_s
        while time.monotonic() < ends_at and self.process.poll() is None:
            try:
                with urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise NotReady(f"Darkroom did not start; its lines are in {self.log}")


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nothing listens on, each another one."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports
