"""What every benchmark stands on: a MariaDB with durable commits and a Redis, both private to this run."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "var/benchmarks"
BUFFER_POOL_MB = 1024


@dataclass(frozen=True)
class Ground:
    """Where the servers of this run listen."""

    mariadb_port: int
    redis_port: int
    web_port: int
    upstream_port: int

    def database(self, name: str) -> str:
        return f"mysql://root@127.0.0.1:{self.mariadb_port}/{name}"

    def redis(self, number: int) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/{number}"

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream_port}"

    def variables(self) -> dict[str, str]:
        """The environment of every Darkroom process of this run."""
        return {
            "DATABASE_URL": self.database("darkroom_bench"),
            "REDIS_URL": self.redis(1),
            "ADAPTERS": "tests.upstreams.plasma_adapter,tests.upstreams.grit_adapter",
            "EGRESS_ALLOW": f"127.0.0.1:{self.upstream_port}",
            "STORAGE_DIR": str(WORK / "storage"),
            "WEB_BIND": f"127.0.0.1:{self.web_port}",
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }


@contextmanager
def ground() -> Iterator[Ground]:
    """Start the servers on free ports with empty data; stop them, and remove the data, at the end."""
    WORK.mkdir(parents=True, exist_ok=True)
    ports = free_ports(4)
    with ExitStack() as stack:
        stack.enter_context(mariadb(WORK / "mariadb", ports[0]))
        stack.enter_context(process("redis-server", "--port", str(ports[1]), "--bind", "127.0.0.1", "--save", "", until=listens(ports[1])))
        stack.callback(shutil.rmtree, WORK / "storage", ignore_errors=True)
        yield Ground(*ports)


@contextmanager
def mariadb(folder: Path, port: int) -> Iterator[None]:
    shutil.rmtree(folder, ignore_errors=True)
    install = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}", "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    options = [
        f"--datadir={folder}",
        f"--socket={folder}/socket",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        f"--innodb-buffer-pool-size={BUFFER_POOL_MB}M",
        "--innodb-log-file-size=512M",
        "--innodb-flush-log-at-trx-commit=1",
        "--max-connections=200",
        "--user=root",
    ]
    try:
        with process("mariadbd", "--no-defaults", *options, until=listens(port)):
            yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def free_ports(count: int) -> Sequence[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
