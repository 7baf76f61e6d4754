"""A unit of ours where systemd is not the first process: its own command, socket and signals, as the unit's file has them."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tasks_app.management.supervisor import dies_with
from tests.deploy import units
from tests.deploy.web import PATIENCE_S, ROOT

PROGRAMS = Path(sys.executable).parent
# systemd hands a socket over as descriptor 3, to the process of this id.
TAKE_SOCKET = """import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])"""


class Service:
    """`Service("darkroom-web", environment, log=path, listener=socket)`: `start()`, `stop()`, `restart()`."""

    def __init__(self, name: str, environment: dict[str, str], *, log: Path, listener: socket.socket | None = None):
        self.unit, self.log, self.listener = f"{name}.service", log, listener
        self.environment = environment
        self.command = [environment.get(word.removeprefix("$"), word) for word in units.command(self.unit).split()]
        self.command[0] = str(PROGRAMS / self.command[0])

    def start(self) -> None:
        """Returns once it runs; one of Type=notify, once it has said that it is ready."""
        if units.value(self.unit, "Type") == "notify":
            self._start_and_hear()
        else:
            self._spawn(self.environment)

    def stop(self) -> None:
        """TERM to its main process; raises subprocess.TimeoutExpired where it takes longer than the unit allows."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(int(units.value(self.unit, "TimeoutStopSec")))

    def restart(self) -> None:
        self.stop()
        self.start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def _start_and_hear(self) -> None:
        place = self.log.with_suffix(".notify")
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
            ear.bind(str(place))
            ear.settimeout(PATIENCE_S)
            self._spawn(self.environment | {"NOTIFY_SOCKET": str(place)})
            while b"READY=1" not in ear.recv(4096):
                pass

    def _spawn(self, environment: dict[str, str]) -> None:
        handed = () if self.listener is None else (self.listener.fileno(),)
        take = [sys.executable, "-c", TAKE_SOCKET, *map(str, handed)] if handed else []
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*take, *self.command],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                pass_fds=handed,
                start_new_session=True,
                preexec_fn=dies_with(os.getpid()),
            )


def listening(path: Path, unit: str = "darkroom-web.socket") -> socket.socket:
    """The unit's socket, at `path`."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(int(units.value(unit, "Backlog")))
    return listener
