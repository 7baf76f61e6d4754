"""What every benchmark stands on: a MariaDB with durable commits and a Redis, both private to this run."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import MariaDB, Redis, free_port

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "var/benchmarks"


@dataclass(frozen=True)
class Ground:
    """The servers of this run, and where its own processes are to listen."""

    mariadb: MariaDB
    redis: Redis
    web_port: int
    upstream_port: int
    mixed_s: int  # how long the mixed load lasts

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream_port}"

    def variables(self) -> dict[str, str]:
        """The environment of every Darkroom process of this run."""
        return {
            "DATABASE_URL": self.mariadb.url("darkroom_bench"),
            "REDIS_URL": self.redis.url(1),
            "ADAPTERS": "tests.upstreams.plasma_adapter,tests.upstreams.grit_adapter,tests.benchmarks.steady_adapter",
            "EGRESS_ALLOW": f"127.0.0.1:{self.upstream_port}",
            "STORAGE": "disk",
            "STORAGE_DIR": str(WORK / "storage"),
            "WEB_BIND": f"127.0.0.1:{self.web_port}",
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }


@contextmanager
def ground(*, mixed_s: int = 60) -> Iterator[Ground]:
    """Start the servers, with empty data; stop them, and remove the data, at the end."""
    WORK.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        mariadb, redis = stack.enter_context(MariaDB(durable=True)), stack.enter_context(Redis())
        stack.callback(shutil.rmtree, WORK / "storage", ignore_errors=True)
        yield Ground(mariadb, redis, web_port=free_port(), upstream_port=free_port(), mixed_s=mixed_s)


@contextmanager
def process(
    *command: str, until: Callable[[], bool], env: Mapping[str, str] | None = None, cwd: Path = ROOT, within: float = 40
) -> Iterator[subprocess.Popen]:
    """Run a command until the block ends; its output goes to var/benchmarks/<name>.log."""
    name = Path(command[0]).name if "python" not in command[0] else command[2]
    with (WORK / f"{name}.log").open("ab") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, cwd=cwd, env={**os.environ, **(env or {})})
    try:
        wait_for(until, within=within, what=f"{name} to serve (see {WORK}/{name}.log)", alive=running)
        yield running
    finally:
        stop(running)


def stop(running: subprocess.Popen) -> None:
    running.terminate()
    try:
        running.wait(60)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()


def wait_for(holds: Callable[[], bool], *, within: float, what: str, every: float = 0.1, alive: subprocess.Popen | None = None) -> float:
    """Wait until `holds()`; returns the seconds it took, raises TimeoutError that says what was waited for."""
    began = time.monotonic()
    while not holds():
        if alive is not None and alive.poll() is not None:
            raise RuntimeError(f"ended with {alive.returncode} while waiting for {what}")
        if time.monotonic() - began > within:
            raise TimeoutError(f"{what}: not within {within} s")
        time.sleep(every)
    return time.monotonic() - began


def listens(port: int) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        except OSError:
            return False
        return True

    return answers
