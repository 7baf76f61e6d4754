"""A real stream tier with the configuration we ship, on the database of the test's own process; and a client of its events."""

import json
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import connection

from tests.deploy.web import PATIENCE_S, Gunicorn


class Streaming(Gunicorn):
    """`with Streaming() as tier:` at `tier.port` and at the socket file `tier.path`; web finds it by `tier.shared`."""

    configuration = "deploy/stream.conf.py"

    def __init__(self, **variables: str):
        self._folder = tempfile.TemporaryDirectory(prefix="darkroom-stream-")  # a socket's path may have 107 bytes
        self.path = Path(self._folder.name, "s")
        self.shared = {"DATABASE_URL": database_url(), "STREAM_SOCKET": f"{self._folder.name}/h"}
        super().__init__("tests.deploy.impatient", "--bind", f"unix:{self.path}", WEB_WORKERS="1", **self.shared | variables)
        self.command[-1:-1] = ["--bind", f"127.0.0.1:{self.port}"]

    def __enter__(self) -> "Streaming":
        super().__enter__()
        assert self.get("/healthz")[0] == 200  # which waits until it serves, and takes what web hands on
        return self

    def __exit__(self, *fault) -> None:
        super().__exit__(*fault)
        self._folder.cleanup()

    @contextmanager
    def events(self, path: str, key: str = "", *, cookie: str = "", last: int | None = None, port: int | None = None):
        headers = {"Cookie": cookie} if cookie else {"Authorization": f"Bearer {key}"}
        headers |= {} if last is None else {"Last-Event-ID": str(last)}
        asking = HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE_S)
        asking.request("GET", f"/api/v1{path}", headers=headers)
        answer = asking.getresponse()
        try:
            yield Events(answer)
        finally:
            answer.close()
            asking.close()


@dataclass(frozen=True)
class Event:
    name: str
    id: int | None
    data: dict


class Events:
    """What an open answer tells, as a client hears it."""

    def __init__(self, answer: HTTPResponse):
        self.answer, self.status, self.headers = answer, answer.status, answer.headers
        self.retries: list[int] = []
        self.heartbeats = 0

    def next(self) -> Event | None:
        """The next event; None where the stream ended."""
        told: dict[str, str] = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "retry":
                self.retries.append(int(value))
            elif name == ":":
                self.heartbeats += 1
            elif name:
                told[name] = value
            elif told:
                return Event(told["event"], int(told["id"]) if "id" in told else None, json.loads(told["data"]))
        return None

    def until(self, *, stage: str | None = None, status: str = "running") -> list[Event]:
        """All events up to this state."""
        heard = []
        while event := self.next():
            heard.append(event)
            if event.name == "state" and (event.data["status"], event.data["stage"]) == (status, stage):
                return heard
        raise AssertionError(f"it ended before it told of {stage or status}: {[(one.name, one.data) for one in heard]}")

    def rest(self) -> list[Event]:
        """All that comes until it ends."""
        return list(iter(self.next, None))


def states(heard: list[Event]) -> list[str]:
    """The states that were told, by the row's own words."""
    return [event.data["stage"] or event.data["status"] for event in heard if event.name == "state"]


def database_url() -> str:
    """Of the database that this test works on."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))


def connects_to(pid: int, port: int) -> bool:
    """Whether the process has a connection to this port of 127.0.0.1 open."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            inodes.add(os.readlink(entry).removeprefix("socket:[").rstrip("]"))
    lines = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
    return any(int(line[2].rpartition(":")[2], 16) == port and line[3] == "01" and line[9] in inodes for line in lines)
