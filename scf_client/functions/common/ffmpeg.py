"""ffmpeg, held on a short rope: a fixed binary, files and pipes only, a demuxer that was chosen before it runs, a death with ours."""

import fcntl
import logging
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import Any, BinaryIO, cast

import imageio_ffmpeg

from . import limits
from .errors import FunctionError, Invalid, OutOfMemory, is_about_memory
from .media import File

log = logging.getLogger(__name__)

# An arena of malloc for each thread would fill the bounded address space with nothing. In the cloud, a role's keys may lie beside it.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("TENCENTCLOUD_")} | {"MALLOC_ARENA_MAX": "2"}
ALWAYS = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y")
MAX_PIXELS = 36_000_000  # of one frame of an input
SAID_BYTES = 64 * 1024
# ffmpeg's words of a file that it reads nevertheless: of its end, of Matroska where it lost its place, of Ogg's checksum.
CUT_SHORT = ("File ended prematurely", "partial file", "corrupt input packet")
LOST = ("exceeds containing master element", "Invalid track number", "EBML number", "Unknown-sized element", "Error parsing frame sizes")
DAMAGED = (*CUT_SHORT, *LOST, "CRC mismatch")
# What an encoder that has no room may end with instead of a word about memory: its size and rate are ours, so nothing else keeps it shut.
SHUT = ("Error while opening encoder", "Could not open encoder")
# A decoder that meets damage ends, instead of painting over it: by this alone, of 36 H.264 videos with 4 to 512 bytes overwritten
# 30 are found. `-err_detect explode` finds few more, and refuses videos that begin between two key frames, as cutting leaves them.
# HEVC, VP8 and small faults in sound seldom show: any bytes decode to something.
STRICT = "-xerror"
PIPE_BYTES = 1024 * 1024  # a frame of 1280 × 720 at once, where the system's own pipes hold a twentieth
ROTTEN_END_S = 1.0  # a sound file may end in tags and padding that no decoder knows
# What an encoder writes must not depend on how many cores a machine has, nor on which thread comes first: with frame threads,
# 20 runs on the same frames gave 3 different files; with sliced threads one, in the same time and 1.6 % larger.
THREADS = ("-threads", "2", "-x264-params", "sliced-threads=1")
H264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", *THREADS, "-pix_fmt", "yuv420p")
MP4 = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-movflags", "+faststart", "-f", "mp4")
# A filter for frames that are in BT.709 already: said of untagged ones, the encoder's options alone would convert them once more.
IS_BT709 = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
BT709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv")


@dataclass(frozen=True)
class Streams:
    """What a media file holds: seconds (None where it does not say), the codec of its picture ("": none), and whether it has sound.

    `is_hdr`: the picture is brighter than a plain screen can show, in PQ or HLG.
    """

    duration: float | None
    video: str
    has_audio: bool
    is_hdr: bool = False

    @property
    def decoder(self) -> tuple[str, ...]:
        """The argument that says which decoder the picture needs, where that is not ffmpeg's own choice."""
        # Of 20 VP9 videos with 16 bytes overwritten ffmpeg's own decoder notices none, libvpx all; it takes 1.4 times as long.
        return ("-c:v", "libvpx-vp9") if self.video == "vp9" else ()


def input_of(file: File) -> tuple[str, ...]:
    """The arguments that open an input file as what it was recognised to be, and nothing that it points to."""
    options: tuple[str, ...] = ("-protocol_whitelist", "file,pipe", "-format_whitelist", file.format, "-f", file.format)
    if file.type == "video":
        options = ("-max_pixels", str(MAX_PIXELS), *options)
    return (*options, "-i", f"file:{file.path}")


def streams(file: File) -> Streams:
    """What ffmpeg finds in a file; raises Invalid where that is nothing, or where the file is not whole."""
    # Without an output ffmpeg ends with an error, after it has told what the input holds.
    found = _streams(_said(input_of(file))[1], file)
    _check_whole(file, "v" if found.video else "a")
    return found


def check_sound(file: File, lasts: float | None, *, seconds: float) -> None:
    """Decode the first seconds of a file's sound, which `lasts` so long; raises Invalid where they are damaged, but for the very end."""
    code, said = _said(("-loglevel", "error", "-stats", STRICT, *input_of(file), "-map", "0:a:0", "-t", f"{seconds:g}", "-f", "null", "-"))
    reached = _seconds(r"time=", said) or 0
    if code and (lasts is None or reached < min(lasts - ROTTEN_END_S, seconds)):
        raise _refusal(file, said)


def told(args: Sequence[str], *, cwd: Path) -> str:
    """What ffmpeg tells at the end of a run whose inputs have been checked; raises FunctionError or MemoryError if it failed."""
    code, said = _said(args, cwd)
    if code:
        raise _fault(said, code)
    return said


def run(args: list[str], *, cwd: Path, progress: Callable[[int], None]) -> None:
    """Run to the end; `progress` gets the number of frames written, a few times a second."""
    with encoding(args, cwd=cwd, progress=progress):
        pass


@contextmanager
def encoding(args: list[str], *, cwd: Path, progress: Callable[[int], None]) -> Iterator[BinaryIO]:
    """Yield the stdin of an ffmpeg that runs meanwhile; leaving waits for its end, and raises FunctionError or MemoryError if it failed."""
    command = [binary(), *ALWAYS, "-progress", "pipe:1", "-stats_period", "0.2", *args]
    with TemporaryFile() as said, _started(command, cwd, said, stdin=subprocess.PIPE) as process:
        reader = Thread(target=_report, args=(process.stdout, progress), daemon=True)
        reader.start()
        try:
            yield process.stdin
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended early, and its log says why
        except BaseException:
            process.kill()
            raise
        reader.join()
        if code := process.wait():
            raise _fault(_read(said), code)


class Decoded:
    """What ffmpeg makes of a file, as it comes."""

    def __init__(self, file: File, pipe: BinaryIO, process: subprocess.Popen, said: BinaryIO):
        self._file, self._pipe, self._process, self._said = file, pipe, process, said

    @property
    def stdin(self) -> BinaryIO:
        """Where it is fed, to be closed when that is all."""
        return cast(BinaryIO, self._process.stdin)

    def read(self, size: int) -> bytes:
        """The next bytes, fewer than `size` at the end only; raises Invalid where the file is damaged there."""
        content = self._pipe.read(size)
        if len(content) < size:
            self.check()
        return content

    def move(self, size: int, to: BinaryIO) -> int:
        """Hand the next bytes on to another process; returns how many, fewer than `size` only where the file gives no more, as `read`.

        Not to be mixed with `read`, which may hold some of them already.
        """
        left = size
        while left and (moved := _moved(self._pipe, to, left)):
            left -= moved
        if left:
            self.check()
        return size - left

    def check(self) -> None:
        """Wait for the end; raises Invalid where the file was damaged."""
        if self._process.wait():
            raise _refusal(self._file, _read(self._said))


@contextmanager
def decoding(file: File, args: list[str], *, cwd: Path, before: tuple[str, ...] = (), is_fed: bool = False) -> Iterator[Decoded]:
    """Yield what ffmpeg makes of a file, and of its stdin where it is fed; leaving early ends it.

    Whether it was enough is the reader's to judge.
    """
    command = [binary(), *ALWAYS, STRICT, *before, *input_of(file), *args, "pipe:1"]
    with TemporaryFile() as said, _started(command, cwd, said, stdin=subprocess.PIPE if is_fed else subprocess.DEVNULL) as process:
        try:
            yield Decoded(file, process.stdout, process, said)
        finally:
            process.kill()


@cache
def binary() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()


def _started(command: list[str], cwd: Path, said: BinaryIO, *, stdin: int) -> Any:
    # It dies with the thread that starts it, which waits for it.
    how: dict[str, Any] = {"preexec_fn": limits.dying_with_us(), "env": ENVIRONMENT}
    process = subprocess.Popen(command, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=said, **how)
    for pipe in (process.stdin, process.stdout):
        if pipe and hasattr(fcntl, "F_SETPIPE_SZ"):
            with suppress(OSError):  # a user may have only so much of it
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return process


def _moved(pipe: BinaryIO, to: BinaryIO, size: int) -> int:
    """Bytes that went from one pipe to another, at most `size` and none beyond; on Linux without a copy of them."""
    if hasattr(os, "splice"):
        return os.splice(pipe.fileno(), to.fileno(), size)
    content = os.read(pipe.fileno(), min(size, PIPE_BYTES))
    to.write(content)
    to.flush()
    return len(content)


def _said(args: Sequence[str], cwd: Path | None = None) -> tuple[int, str]:
    """The exit code of a short run of ffmpeg, and what it wrote."""
    command = [binary(), "-hide_banner", "-nostdin", *args]
    with TemporaryFile() as said:
        done = subprocess.run(command, cwd=cwd, stderr=said, check=False, preexec_fn=limits.dying_with_us(), env=ENVIRONMENT)
        return done.returncode, _read(said)


def _check_whole(file: File, stream: str) -> None:
    """Read all of the file and decode the beginning of its first stream of a kind, "v" or "a"; raises Invalid if either fails."""
    begun = ("-map", f"0:{stream}:0", f"-frames:{stream}", "1", "-f", "null", "-")
    read = ("-map", f"0:{stream}:0", "-c", "copy", "-f", "null", "-")
    code, said = _said(("-loglevel", "warning", "-abort_on", "empty_output+empty_output_stream", *input_of(file), *begun, *read))
    if code or any(words in said for words in DAMAGED):
        raise _refusal(file, said)


def _refusal(file: File, said: str) -> FunctionError:
    """Why a file cannot be used, by what ffmpeg said of it."""
    if is_about_memory(said):
        return OutOfMemory(f"{file.field} needs more memory than a function has: give a smaller video.", field=file.field)
    return Invalid(f"{file.field} is damaged or cut short, or its frames are too large.", field=file.field)


def _report(stdout: BinaryIO, progress: Callable[[int], None]) -> None:
    for line in stdout:
        name, _, value = line.strip().partition(b"=")
        if name == b"frame" and value.isdigit():
            progress(int(value))


def _fault(words: str, code: int) -> Exception:
    """Why an encoding failed, by what ffmpeg said, or by the signal that ended it: where it has little room, not all of it asks."""
    log.warning("ffmpeg failed with code %d: %s", code, " / ".join(words.strip().splitlines()[-5:]))
    if is_about_memory(words) or any(phrase in words for phrase in SHUT) or code in (-signal.SIGSEGV, -signal.SIGABRT):
        return MemoryError()
    return FunctionError("The video could not be made; the function's log has the reason.")


def _read(said: BinaryIO) -> str:
    """What ffmpeg wrote, without the middle where it is long: of a damaged file it may have a line for each packet."""
    length = said.seek(0, os.SEEK_END)
    said.seek(0)
    begin = said.read(SAID_BYTES)
    said.seek(max(SAID_BYTES, length - SAID_BYTES))
    return (begin + said.read()).decode(errors="replace")


def _streams(report: str, file: File) -> Streams:
    kinds = re.findall(r"^ +Stream #0:\d+.*?: (Video|Audio): (?!.*attached pic)(\w+)", report, re.MULTILINE)
    if not kinds:
        raise Invalid(f"{file.field} is damaged or cut short: nothing in it can be played.", field=file.field)
    video = next((codec for kind, codec in kinds if kind == "Video"), "")
    is_hdr = re.search(r"^ +Stream #0:\d+.*?: Video: .*\b(?:smpte2084|arib-std-b67)\b", report, re.MULTILINE)
    return Streams(_seconds(r"Duration: ", report), video, "Audio" in dict(kinds), is_hdr is not None)


def _seconds(before: str, report: str) -> float | None:
    """The last hh:mm:ss.ss behind these words."""
    told = re.findall(rf"{before}(\d+):(\d\d):(\d\d\.\d+)", report)
    return sum(float(part) * unit for part, unit in zip(told[-1], (3600, 60, 1), strict=True)) if told else None
