"""ffmpeg, held on a short rope: a fixed binary, files and pipes only, a demuxer that was chosen before it runs, a death with ours."""

import logging
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import Any, BinaryIO

import imageio_ffmpeg

from . import limits
from .errors import FunctionError, Invalid, OutOfMemory, is_about_memory
from .media import File

log = logging.getLogger(__name__)

# An arena of malloc for each thread would fill the bounded address space with nothing.
ENVIRONMENT = {**os.environ, "MALLOC_ARENA_MAX": "2"}
ALWAYS = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y")
MAX_PIXELS = 36_000_000  # of one frame of an input
CUT_SHORT = ("File ended prematurely", "partial file", "corrupt input packet")  # ffmpeg's words, of a file that it reads nevertheless
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
    """What a media file holds: seconds (None where it does not say), and whether there is a picture and a sound."""

    duration: float | None
    has_video: bool
    has_audio: bool


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
    _check_whole(file, "v" if found.has_video else "a")
    return found


def run(args: list[str], *, cwd: Path, progress: Callable[[int], None]) -> None:
    """Run to the end; `progress` gets the number of frames written, a few times a second."""
    with encoding(args, cwd=cwd, progress=progress):
        pass


@contextmanager
def encoding(args: list[str], *, cwd: Path, progress: Callable[[int], None]) -> Iterator[BinaryIO]:
    """Yield the stdin of an ffmpeg that runs meanwhile; leaving waits for it to end, and raises FunctionError if it failed."""
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
        if process.wait():
            raise _fault(said)


@contextmanager
def decoding(file: File, args: list[str], *, cwd: Path, before: tuple[str, ...] = ()) -> Iterator[BinaryIO]:
    """Yield what ffmpeg makes of a file, on a pipe; leaving early ends it. Whether it was enough is the reader's to judge."""
    command = [binary(), *ALWAYS, *before, *input_of(file), *args, "pipe:1"]
    with TemporaryFile() as said, _started(command, cwd, said, stdin=subprocess.DEVNULL) as process:
        try:
            yield process.stdout
        finally:
            process.kill()


@cache
def binary() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()


def _started(command: list[str], cwd: Path, said: BinaryIO, *, stdin: int) -> Any:
    # It dies with the thread that starts it, which waits for it.
    dying = limits.dying_with_us()
    return subprocess.Popen(command, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=said, preexec_fn=dying, env=ENVIRONMENT)


def _said(args: Sequence[str]) -> tuple[int, str]:
    """The exit code of a short run of ffmpeg, and what it wrote."""
    command = [binary(), "-hide_banner", "-nostdin", *args]
    done = subprocess.run(command, capture_output=True, check=False, preexec_fn=limits.dying_with_us(), env=ENVIRONMENT)
    return done.returncode, done.stderr.decode(errors="replace")


def _check_whole(file: File, stream: str) -> None:
    """Read all of the file and decode the beginning of its first stream of a kind, "v" or "a"; raises Invalid if either fails."""
    begun = ("-map", f"0:{stream}:0", f"-frames:{stream}", "1", "-f", "null", "-")
    read = ("-map", f"0:{stream}:0", "-c", "copy", "-f", "null", "-")
    code, said = _said(("-loglevel", "warning", "-abort_on", "empty_output+empty_output_stream", *input_of(file), *begun, *read))
    if is_about_memory(said):
        raise OutOfMemory(f"{file.field} needs more memory than a function has: make it smaller.", field=file.field)
    if code or any(words in said for words in CUT_SHORT):
        raise Invalid(f"{file.field} is damaged or cut short, or its frames are too large.", field=file.field)


def _report(stdout: BinaryIO, progress: Callable[[int], None]) -> None:
    for line in stdout:
        name, _, value = line.strip().partition(b"=")
        if name == b"frame" and value.isdigit():
            progress(int(value))


def _fault(said: BinaryIO) -> FunctionError:
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    log.warning("ffmpeg failed: %s", " / ".join(lines[-5:]))
    if is_about_memory("\n".join(lines)):
        return OutOfMemory("This video needs more memory than a function has: make it smaller.")
    return FunctionError("The video could not be made; the function's log has the reason.")


def _streams(report: str, file: File) -> Streams:
    kinds = re.findall(r"^ +Stream #0:\d+.*?: (Video|Audio): (?!.*attached pic)", report, re.MULTILINE)
    if not kinds:
        raise Invalid(f"{file.field} is damaged or cut short: nothing in it can be played.", field=file.field)
    told = re.search(r"Duration: (\d+):(\d\d):(\d\d\.\d+)", report)
    duration = sum(float(part) * unit for part, unit in zip(told.groups(), (3600, 60, 1), strict=True)) if told else None
    return Streams(duration, "Video" in kinds, "Audio" in kinds)
