"""Who looks into media files: a few warm processes (probe.py), started when first needed, each of which forks for every file.

Media files come from strangers, so every one is decoded in a process of its own, under limits. What starts only once is the
interpreter and libvips: a picture costs 5 ms of CPU, where a process started from nothing costs 50.

What a file does to its process, it does to itself alone: a crash or a hang cuts its answer short, and the warm process behind it is
ended with all that was left. When a warm process is killed from outside, its file goes to another one.
"""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

import imageio_ffmpeg

log = logging.getLogger(__name__)

PROBE = Path(__file__).with_name("probe.py")
AT_ONCE = min(4, len(os.sched_getaffinity(0)))  # each file may take a core, and a gigabyte
WALL_S = 20.0
FILES = 1000  # that a warm process serves: no leak grows old, and a library that was updated is taken up
TRIES = 2
LONGEST_ANSWER = 2 * 1024 * 1024


class Examiners:
    """At most `at_once` warm processes, as many as there is need for. They end when this process does, however it ends."""

    def __init__(self, *, at_once: int = AT_ONCE, files: int = FILES, wall_s: float = WALL_S, ffmpeg: str = ""):
        self._at_once, self._files, self._wall_s, self._ffmpeg = at_once, files, wall_s, ffmpeg
        self._idle: list[Examiner] = []
        self._turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    async def look(self, content_type: str, path: Path) -> bytes:
        """What probe.py prints of the file, as far as it came."""
        async with self._turn():
            for _ in range(TRIES):
                with suppress(ConnectionError):
                    return await self._look(content_type, path)
        log.warning("%s was not examined: its examiners were killed", path)
        return b""

    def close(self) -> None:
        """End those that are idle."""
        while self._idle:
            self._idle.pop().end()

    def _turn(self) -> asyncio.Semaphore:
        return self._turns.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._at_once))

    async def _look(self, content_type: str, path: Path) -> bytes:
        examiner = await self._take()
        try:
            printed, fault = await examiner.look(content_type, path, within_s=self._wall_s)
        except BaseException:  # it was killed, or nobody waits for the answer any more
            examiner.end()
            raise
        if fault:
            log.warning("%s was examined in part: its process %s", path, fault)
        if fault or examiner.files >= self._files:
            examiner.end()
        else:
            self._idle.append(examiner)
        return printed

    async def _take(self) -> "Examiner":
        while self._idle:
            if (examiner := self._idle.pop()).is_alive:
                return examiner
        return Examiner(self._ffmpeg or await asyncio.to_thread(_ffmpeg))


class Examiner:
    """One warm process, which looks at one file at a time."""

    def __init__(self, ffmpeg: str):
        self.files = 0
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", PROBE, str(theirs.fileno()), ffmpeg],
                pass_fds=[theirs.fileno()],  # and nothing else of ours: no connection, no file
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={"VIPS_CONCURRENCY": "1", "PATH": os.defpath},
            )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    async def look(self, content_type: str, path: Path, *, within_s: float) -> tuple[bytes, str]:
        """What the file's process printed, and what cut it short, if anything did. Raises ConnectionError where this one was killed."""
        self.files += 1
        printed = bytearray()
        try:
            async with asyncio.timeout(within_s):
                await self._ask(json.dumps([content_type, str(path.absolute())]).encode(), printed)
                killed_by = await self._verdict()
        except TimeoutError:
            return bytes(printed), f"took more than {within_s:g} s"
        return bytes(printed), f"was killed by signal {killed_by}" if killed_by else ""

    def end(self) -> None:
        """Kill the warm process, the file's, and the ffmpeg that it may have started: they are one group."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._control.close()

    async def _ask(self, request: bytes, printed: bytearray) -> None:
        """Collect what the file's process prints until it is gone, or has said more than it may."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ours:
            ours.setblocking(False)
            with theirs:
                socket.send_fds(self._control, [request], [theirs.fileno()])
            while len(printed) < LONGEST_ANSWER and (piece := await loop.sock_recv(ours, 64 * 1024)):
                printed += piece

    async def _verdict(self) -> int:
        """The signal that killed the file's process; 0 where it ended by itself."""
        verdict = await asyncio.get_running_loop().sock_recv(self._control, 16)
        if not verdict:
            raise ConnectionResetError("the examiner is gone")
        return int(verdict)


@cache
def _ffmpeg() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()
