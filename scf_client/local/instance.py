"""One instance of a function: a child process that serves one event at a time, with all that it starts in a group of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp

from ..functions.common import limits

PACKAGE = "scf_client.functions"
FUNCTIONS = Path(__file__).resolve().parent.parent / "functions"
HOME = FUNCTIONS.parent.parent

# What a function learns of the runtime's environment: where programs, packages and fonts are. It decodes files from anywhere, so no
# key, password or address may lie in its reach.
PROGRAMS = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "VIRTUAL_ENV", "IMAGEIO_FFMPEG_EXE")
PLACES = ("HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "FONTCONFIG_PATH", "FONTCONFIG_FILE")
SPENT = ("out_of_memory", "internal")  # after these a process may not be itself any more


WANT_OF_MEMORY = (-signal.SIGABRT, -signal.SIGTRAP)  # how glib and C++ end a process whose allocation failed


class Died(Exception):
    """The instance ended, or answered nothing readable, in the middle of an event; `of_memory`: most likely for want of it."""

    def __init__(self, how: str, *, of_memory: bool):
        super().__init__(how)
        self.of_memory = of_memory


def names() -> set[str]:
    """The functions there are."""
    return {path.parent.name for path in FUNCTIONS.glob("*/__main__.py")}


class Instance:
    """Starts at once; its first event waits in the socket until it is ready. One that `is_spent` should take no further event."""

    def __init__(self, function: str, *, memory_mb: int, log_format: str):
        self.function, self.is_spent = function, False
        # The child inherits a socket that listens already: no port can be lost to another process in between.
        with socket.create_server(("127.0.0.1", 0)) as listening:
            self._url = f"http://127.0.0.1:{listening.getsockname()[1]}/event-invoke"
            command = [sys.executable, "-m", f"{PACKAGE}.{function}", "--fd", str(listening.fileno()), "--parent", str(os.getpid())]
            command += ["--memory-mb", str(memory_mb), "--log-format", log_format]
            self._process = subprocess.Popen(
                command,
                cwd=HOME,
                env={name: os.environ[name] for name in (*PROGRAMS, *PLACES) if name in os.environ},
                stdin=subprocess.DEVNULL,
                pass_fds=(listening.fileno(),),
                start_new_session=True,
                preexec_fn=limits.dying_with_us(),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    async def invoke(self, http: aiohttp.ClientSession, event: Mapping[str, Any], *, time_limit_s: float) -> dict[str, Any]:
        """The function's envelope; raises Died, or TimeoutError after `time_limit_s`. After either, only `end` is of use."""
        try:
            async with http.post(self._url, json=event, timeout=aiohttp.ClientTimeout(total=time_limit_s)) as answer:
                answer.raise_for_status()
                envelope = await answer.json()
                self.is_spent = not envelope["ok"] and envelope["error"]["code"] in SPENT
                return envelope
        except TimeoutError:
            raise
        except (aiohttp.ClientError, LookupError, TypeError, ValueError, OSError) as fault:
            self.end()  # one that has ended by itself keeps its own exit code
            code = self._process.returncode
            raise Died(f"{type(fault).__name__}, exit code {code}", of_memory=code in WANT_OF_MEMORY) from fault

    def end(self) -> None:
        """Kill it and all that it started."""
        if self._process.returncode is None:  # not reaped, so its number cannot be another's
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
