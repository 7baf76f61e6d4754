"""What simulated functions run in: for each the HTTP server of its image, a process of its own that takes one event at a time.

An image is the build context that pack.py stages, so a function runs with what its image would hold and no more of ours. It gets the
documented environment, what it was deployed with, and its role's keys as headers.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from scf_client import pack

# What an image brings along and a process here needs instead: where programs, packages and fonts are.
MACHINE = ("PATH", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "IMAGEIO_FFMPEG_EXE", "HOME", "LANG", "LC_ALL", "FONTCONFIG_PATH")


@dataclass(frozen=True)
class Role:
    """The temporary keys that a function has by its role."""

    secret_id: str = "AKIDrole"
    secret_key: str = field(default="simulated-role-key", repr=False)
    token: str = field(default="simulated-role-token", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"X-Scf-Secret-Id": self.secret_id, "X-Scf-Secret-Key": self.secret_key, "X-Scf-Session-Token": self.token}


class Images:
    """Build contexts by the last part of an image's name, staged once."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="darkroom-images-")

    def folder(self, image: str) -> tuple[str, Path]:
        """The function in an image such as registry/space/image_stitch:1, and where it lies; raises LookupError."""
        function = image.rpartition("/")[2].partition(":")[0]
        if function not in pack.names():
            raise LookupError(image)
        place = Path(self._folder.name, function)
        if not place.exists():
            pack.stage(function, place)
        return function, place


class Instance:
    """A process that serves events at once; its first one waits in the socket until it is ready."""

    def __init__(self, function: str, home: Path, environment: Mapping[str, str]):
        self._log = TemporaryDirectory(prefix="darkroom-instance-")
        with socket.create_server(("127.0.0.1", 0)) as listening, Path(self._log.name, "log").open("wb") as log:
            self._url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            self.process = subprocess.Popen(
                [sys.executable, *pack.command(function)[1:], "--fd", str(listening.fileno()), "--parent", str(os.getpid())],
                cwd=home,
                env={name: os.environ[name] for name in MACHINE if name in os.environ} | dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(listening.fileno(),),
                start_new_session=True,
            )

    async def invoke(self, event: bytes, headers: Mapping[str, str], *, timeout_s: float) -> bytes:
        """The body of the answer; raises aiohttp.ClientError where the process dies, TimeoutError where it takes too long."""
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(f"{self._url}/event-invoke", data=event, headers=headers) as answer,
        ):
            answer.raise_for_status()
            return await answer.read()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return Path(self._log.name, "log").read_text(errors="replace")

    def kill(self) -> None:
        """It and all that it started."""
        if self.is_alive:
            os.killpg(self.process.pid, 9)
            self.process.wait()


@dataclass
class Execution:
    """One run: RUNNING, then FINISHED, FAILED or ABORTED; `code` is the platform's for its end."""

    id: str
    function: str
    version: str
    event: dict[str, Any]
    state: str = "RUNNING"
    code: int = 0
    deliveries: int = 0
    began_at: float = field(default_factory=time.time)
    answer: str = ""
    log: str = ""
    instance: Instance | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        return self.state != "RUNNING"
