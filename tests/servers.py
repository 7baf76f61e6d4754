"""Private servers for tests and benchmarks: real MariaDB and Redis on free ports, their data in a folder of ours.

Each lives and dies with the process that started it. What a killed run left behind is cleared by the next one.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tasks_app.management.supervisor import dies_with

HOME = Path(__file__).resolve().parent.parent / "var/servers"
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
LOOPBACK = "127.0.0.1"
START_S, STOP_S = 60, 30


class Server:
    """One server process: `start()` on a free or given port, `stop()`, `kill()`, `restart()` on the same port and data.

    It lives no longer than the thread that started it. `environment` is what it sees instead of ours, `tree` where it runs, `host`
    where others reach it: there it listens too.
    """

    name: str
    host = LOOPBACK
    environment: dict[str, str] | None = None
    tree: Path | None = None

    def __init__(self) -> None:
        clear_leftovers()
        HOME.mkdir(parents=True, exist_ok=True)
        # A socket's path may have 107 bytes, so names stay short.
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-{os.getpid()}-", dir=HOME))
        self.port = 0
        self._process: subprocess.Popen | None = None

    def start(self, port: int | None = None) -> "Server":
        """Returns when the server answers; raises RuntimeError with the end of its log when it does not."""
        self.port = port or self.port or free_port()
        if self.answers():
            raise RuntimeError(f"{self.name} did not start: something answers on port {self.port} already")
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.tree,
                preexec_fn=dies_with(os.getpid()),
                start_new_session=True,
            )
        ends_at = time.monotonic() + START_S
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > ends_at:
                raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        return self

    @property
    def addresses(self) -> list[str]:
        return list(dict.fromkeys((LOOPBACK, self.host)))

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def stop(self) -> None:
        """End it in an orderly way; its data stays."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """It does nothing from here on, and its connections stay open."""
        self._tell(signal.SIGSTOP)

    def thaw(self) -> None:
        self._tell(signal.SIGCONT)

    def remove(self) -> None:
        """Kill it and delete its data."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *fault: object) -> None:
        self.remove()

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it talks: a server's port can be open before it is ready."""
        raise NotImplementedError

    def _tell(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._tell(number)
        try:
            self._process.wait(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


class MariaDB(Server):
    """With the root user and no password. `durable` keeps each commit through a power cut; tests need none of that."""

    name = "mariadb"

    def __init__(self, *, durable: bool = False, host: str = LOOPBACK) -> None:
        super().__init__()
        self._durable, self.host = durable, host
        self._install()

    def url(self, database: str = "darkroom") -> str:
        return f"mysql://root@{self.host}:{self.port}/{database}"

    def run(self, sql: str) -> str:
        """What the server answers, as tab-separated lines."""
        command = [
            found("mariadb"),
            "--no-defaults",
            "--user=root",
            f"--socket={self._socket}",
            "--batch",
            "--skip-column-names",
            "-e",
            sql,
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def command(self) -> list[str]:
        durability = (
            ["--innodb-flush-log-at-trx-commit=1"] if self._durable else ["--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite"]
        )
        return [
            found("mariadbd"),
            "--no-defaults",
            *as_root(),
            f"--datadir={self._data}",
            f"--socket={self._socket}",
            f"--pid-file={self.folder}/pid",
            f"--tmpdir={self._own_tmp}",
            f"--port={self.port}",
            f"--bind-address={','.join(self.addresses)}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--max-connections=300",
            "--innodb-buffer-pool-size=512M",
            "--innodb-log-file-size=256M",
            "--innodb-flush-method=O_DIRECT",
            *durability,
        ]

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1) as greeted:
            return greeted.recv(5)[4:] == b"\x0a"  # protocol 10: the greeting, not an error
        return False

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _socket(self) -> Path:
        return self.folder / "s"

    @property
    def _own_tmp(self) -> Path:
        """A server that starts deletes every temporary table in its tmpdir, those of its neighbours too."""
        return self.folder / "tmp"

    def _install(self) -> None:
        self._own_tmp.mkdir()
        command = [found("mariadb-install-db"), "--no-defaults", *as_root(), f"--datadir={self._data}", f"--tmpdir={self._own_tmp}"]
        command += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout[-1000:]}{done.stderr[-1000:]}")


class Redis(Server):
    """Keeps nothing on disk: no design of ours may need it to."""

    name = "redis"

    def __init__(self, *, host: str = LOOPBACK) -> None:
        super().__init__()
        self.host = host

    def url(self, database: int = 0) -> str:
        return f"redis://{self.host}:{self.port}/{database}"

    def command(self) -> list[str]:
        return [
            found("redis-server"),
            "--port",
            str(self.port),
            "--bind",
            *self.addresses,
            "--protected-mode",  # would refuse whoever comes from another host, since there is no password
            "no",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self.folder),
        ]

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port), timeout=1) as asked:
            asked.sendall(b"PING\r\n")
            return asked.recv(5) == b"+PONG"
        return False


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def found(program: str) -> str:
    """Its path, in the system's own folders too; raises RuntimeError that says how to get it."""
    path = shutil.which(program, path=PATH)
    if path is None:
        raise RuntimeError(f"{program} is not on this machine; `make setup` installs it or says how.")
    return path


def as_root() -> list[str]:
    """MariaDB refuses to run as root unless it is told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def clear_leftovers() -> None:
    """Remove the data of runs that are over; their servers ended with them."""
    for folder in HOME.glob("*-*-*"):
        if not is_alive(int(folder.name.split("-")[1])):
            shutil.rmtree(folder, ignore_errors=True)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
