"""Keeps a set of processes alive: starts them, passes their lines on, starts again what dies, and stops the whole.

One keeper thread per process starts it, waits for its end and starts it again; nothing else does. No process outlives
the supervisor: a stop ends each one's group, and the kernel ends them should the supervisor itself be killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

PR_SET_PDEATHSIG = 1
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 10.0
STEADY_S = 30.0  # a process that lived this long died of something new, so it is back at the first wait

libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Process:
    """A name for its lines, and the command (no shell)."""

    name: str
    command: tuple[str, ...]


class Supervisor:
    """`start()`, then `wait_ready(url)`; `kill(name)` for those who test restarts; `stop()` in the end, always."""

    def __init__(
        self,
        env: Mapping[str, str],
        processes: Iterable[Process],
        *,
        write: Callable[[str, str], None] = lambda name, line: print(f"{name} | {line}", flush=True),
        grace_s: float = 30.0,  # a worker takes up to 25 s for its open calls
        first_wait_s: float = FIRST_WAIT_S,
    ):
        self._grace_s = grace_s
        self._stopping = threading.Event()
        self._keepers = [Keeper(process, env, write, self._stopping, first_wait_s) for process in processes]

    def start(self) -> None:
        for keeper in self._keepers:
            keeper.start()

    def stop(self) -> None:
        """TERM to all at once, KILL to what is left after `grace_s`; returns when everything has ended."""
        self._stopping.set()
        for keeper in self._keepers:
            keeper.tell(signal.SIGTERM)
        ends_at = time.monotonic() + self._grace_s
        for keeper in self._keepers:
            keeper.join(max(0.0, ends_at - time.monotonic()))
        for keeper in self._keepers:
            keeper.tell_group(signal.SIGKILL)
            keeper.join()

    def kill(self, name: str) -> None:
        """Kill the process called `name` as a crash would; its keeper starts it again."""
        self._keeper(name).tell_group(signal.SIGKILL)

    def pid(self, name: str) -> int | None:
        """The running process's id; None while it is down."""
        return self._keeper(name).pid

    def wait_ready(self, url: str, *, timeout_s: float = 60.0) -> None:
        """Return when `url` answers 200; raises TimeoutError that says what it answered last."""
        ends_at, answer = time.monotonic() + timeout_s, "nothing"
        while time.monotonic() < ends_at and not self._stopping.is_set():
            try:
                with urlopen(url, timeout=5):
                    return
            except (URLError, OSError) as fault:
                answer = str(fault)
            self._stopping.wait(0.1)
        raise TimeoutError(f"{url} was not ready after {timeout_s:.0f} s: {answer}")

    def _keeper(self, name: str) -> "Keeper":
        return next(keeper for keeper in self._keepers if keeper.process.name == name)


class Keeper(threading.Thread):
    """Starts one process, and again each time it ends, until told to stop."""

    def __init__(
        self, process: Process, env: Mapping[str, str], write: Callable[[str, str], None], stopping: threading.Event, first_wait_s: float
    ):
        super().__init__(name=f"keeper of {process.name}", daemon=True)
        self.process, self._env, self._write, self._stopping, self._first_wait_s = process, env, write, stopping, first_wait_s
        self._child: subprocess.Popen | None = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child and self._child.returncode is None else None

    def run(self) -> None:
        wait_s = self._first_wait_s
        while True:
            started_at = time.monotonic()
            how = self._live_once()
            if self._stopping.is_set():
                return
            if time.monotonic() - started_at > STEADY_S:
                wait_s = self._first_wait_s
            self._write(self.process.name, f"{how}; starts again in {wait_s:g} s")
            self._stopping.wait(wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    def tell(self, number: signal.Signals) -> None:
        """To the process alone: it knows how to end its own children well."""
        with self._lock:
            if self.pid is not None:
                os.kill(self.pid, number)

    def tell_group(self, number: signal.Signals) -> None:
        with self._lock:
            if self.pid is not None:
                os.killpg(self.pid, number)

    def _live_once(self) -> str:
        """From start to end; returns how it ended, for people."""
        try:
            child = self._spawn()
        except OSError as fault:
            return f"did not start ({fault})"
        return f"ended ({_shown(self._outlive(child))})" if child else "is not wanted any more"

    def _spawn(self) -> subprocess.Popen | None:
        """A fresh child; None once we are stopping. Under the lock, so that a stop misses no child."""
        with self._lock:
            if self._stopping.is_set():
                return None
            self._child = subprocess.Popen(
                self.process.command,
                env=dict(self._env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),
            )
            return self._child

    def _outlive(self, child: subprocess.Popen) -> int:
        """Pass the child's lines on until it ends; then end what it left behind, which may hold its port."""
        reader = threading.Thread(target=self._read, args=(child,), daemon=True)
        reader.start()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        # The child is not reaped yet, so its id, and with it its group's, is nobody else's.
        os.killpg(child.pid, signal.SIGKILL)
        with self._lock:
            code = child.wait()
        reader.join(timeout=5)
        return code

    def _read(self, child: subprocess.Popen) -> None:
        for line in child.stdout or ():
            self._write(self.process.name, line.rstrip("\n"))


def dies_with(parent: int) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends TERM to the child when the thread that made it ends, be it by KILL."""

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it ended before we asked
            os._exit(1)

    return prepare


def read_procfile(path: Path, names: Mapping[str, str]) -> list[Process]:
    """`name: command` lines; `$NAME` stands for a value of `names`; python and its scripts are those that run us."""
    processes = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, colon, command = line.partition(":")
        if colon and not line.startswith("#"):
            processes.append(Process(name.strip(), tuple(_word(word, names) for word in command.split())))
    return processes


def beside_python(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` in which the scripts of this Python come first, whether or not its environment was activated."""
    return {**environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}", "PYTHONUNBUFFERED": "1"}


def _word(word: str, names: Mapping[str, str]) -> str:
    return names[word[1:]] if word.startswith("$") else word


def _shown(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"status {code}"
