"""A server as it is deployed: MariaDB, Redis and all processes of ours, in production's environment; each part can be broken."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.journeys.faults.stage import ROOT, Beat, OfDarkroom, Stream, Web, Worker, wait_for
from tests.servers import MariaDB, Redis, free_port

DATABASE = "darkroom_house"
SECRETS = {"SECRET_KEY": "never anywhere but in this house " * 3, "SEALING_KEYS": "RGFya3Jvb20gZGV2ZWxvcG1lbnQgc2VhbGluZyBrZXk="}


class Functions(OfDarkroom):
    """The local runtime of our functions."""

    name = "functions"

    def command(self) -> list[str]:
        port, root = self.environment["FUNCTIONS_URL"].rpartition(":")[2], self.environment["FUNCTIONS_DIR"]
        return [sys.executable, "-m", "scf_client.local", "--port", port, "--root", root]


@dataclass
class Diagnosis:
    code: int
    verdicts: list[dict[str, str]]
    said: str

    def of(self, check: str) -> str:
        """The worst level of a check."""
        return max((one["level"] for one in self.verdicts if one["check"] == check), key=("ok", "warn", "fail").index)

    def not_ok(self) -> set[str]:
        return {one["check"] for one in self.verdicts if one["level"] != "ok"}

    def text(self, check: str) -> str:
        return " ".join(f"{one['figure']} → {one['remedy']}" for one in self.verdicts if one["check"] == check)


@dataclass
class House:
    mariadb: MariaDB
    redis: Redis
    environment: dict[str, str]

    def __post_init__(self) -> None:
        self.web, self.worker, self.beat = Web(self.environment), Worker(self.environment), Beat(self.environment)
        self.functions, self.stream = Functions(self.environment), Stream(self.environment)

    @property
    def parts(self) -> list[OfDarkroom]:
        return [self.web, self.stream, self.worker, self.beat, self.functions]

    def manage(self, *words: str, before: tuple[str, ...] = (), stdin: str = "", **variables: str) -> subprocess.CompletedProcess:
        """What a command says; `before` are words that run it, as faketime is."""
        command = [*before, sys.executable, "manage.py", *words]
        environment = self.environment | variables
        return subprocess.run(command, cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, timeout=120, check=False)

    def doctor(self, **more: Any) -> "Diagnosis":
        done = self.manage("doctor", "--json", **more)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Diagnosis(done.returncode, json.loads(done.stdout)["checks"], done.stdout + done.stderr)

    def run(self, function: str) -> None:
        """Have the worker run a worker function, as beat does."""
        command = [sys.executable, "-m", "celery", "-A", "config", "call", f"tasks_app.workers.{function}"]
        subprocess.run([*command, "--queue", "upkeep"], cwd=ROOT, env=self.environment, check=True, capture_output=True)

    def has_reported(self) -> bool:
        """Whether worker and beat, as they run now, were seen a moment ago."""
        since = "ended_at IS NULL AND seen_at > UTC_TIMESTAMP(6) - INTERVAL 10 SECOND"
        pids = f"{self.worker.pid or 0}, {self.beat.pid or 0}"
        return self.sql(f"SELECT COUNT(*) FROM tasks_app_process WHERE {since} AND pid IN ({pids})").strip() == "2"

    def sql(self, statements: str) -> str:
        return self.mariadb.run(f"USE {DATABASE}; {statements}")


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """Start everything; stop it and remove its data at the end."""
    with ExitStack() as stack:
        mariadb, redis = stack.enter_context(MariaDB(durable=True)), stack.enter_context(Redis())
        made = House(mariadb, redis, _environment(folder, mariadb, redis))
        mariadb.run(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        for words in (("migrate", "--verbosity", "0"), ("install_models",), ("install_schedule",)):
            done = made.manage(*words)
            assert done.returncode == 0, done.stderr
        for part in made.parts:
            stack.callback(part.remove)
            part.start()
        assert wait_for(made.has_reported, within_s=60) is not None
        yield made


def _environment(folder: Path, mariadb: MariaDB, redis: Redis) -> dict[str, str]:
    address = f"127.0.0.1:{free_port()}"
    folders = {f"{name.upper()}_DIR": str(folder / name) for name in ("storage", "functions", "broker")}
    return (
        os.environ
        | SECRETS
        | folders
        | {
            "DARKROOM_ENV": "production",
            "DATABASE_URL": mariadb.url(DATABASE),
            "REDIS_URL": redis.url(),
            "STORAGE": "disk",
            "FUNCTIONS_URL": f"http://127.0.0.1:{free_port()}",
            "WEB_BIND": address,
            "WEB_WORKERS": "2",
            "STREAM_BIND": f"127.0.0.1:{free_port()}",
            "STREAM_SOCKET": str(folder / "handover.sock"),
            "PUBLIC_URL": "https://darkroom.example",
            "ALLOWED_HOSTS": "darkroom.example",
            "ADAPTERS": "",
            "LOG_FORMAT": "json",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
    )
