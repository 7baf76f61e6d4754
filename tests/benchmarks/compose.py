"""(h) Films and a picture to one video, beside an ffmpeg command written by hand for the same result."""

import resource
import shutil
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import pyvips

from scf_client.functions.common import fonts
from tests.scf_client import samples
from tests.scf_client.function import Function

from .ground import WORK, Ground
from .processes import cpu_s, family, pss_mb
from .rows import Result, Row

TITLE = "video.compose: three clips, two fades, music and subtitles in 720p"
TEXT = """
Two films (1280 × 720 at 30 frames a second, 1920 × 1080 at 25) and a photograph of 12 MP become one video of 14 s at 25 frames a second,
faded into each other, under music and with burnt-in subtitles. Our function is asked by HTTP, within 1 GB, and looks into every file
before it trusts it; the peer is one ffmpeg, the same binary with the same encoder, told all by one command written by hand. Memory is the
highest sum of all processes' PSS, looked at ten times a second in a round of its own.
"""
ROUNDS, EVERY_S = 5, 0.1
CLIPS, FADE_S, TOTAL_S = ("a.mp4", "b.mp4", "c.jpg"), 1, 14
MOST_TIME, ALIKE = 1.1, 6.0
SRT = "1\n00:00:01,000 --> 00:00:06,000\nMade twice\n\n2\n00:00:07,000 --> 00:00:13,000\nand measured\n"
FIT = "scale=1280:720:force_original_aspect_ratio=decrease:flags=bicubic,pad=1280:720:-1:-1,setsar=1,format=yuv420p"
RATE = "fps=25,settb=1/25"
GRAPH = (
    f"[0:v]{FIT},{RATE}[a];[1:v]{FIT},{RATE}[b];[2:v]{FIT},loop=loop=99:size=1,setpts=N/25/TB,{RATE}[c];[a][b]xfade=duration=1:offset=5[ab];[ab][c]xfade=duration=1:offset=10,"
    "subtitles=words.srt:fontsdir=.,format=yuv420p[picture];"
    "[0:a]aresample=48000[sa];[1:a]aresample=48000[sb];[sa][sb]acrossfade=d=1,afade=t=out:st=10:d=1[s];"
    "[3:a]aresample=48000,atrim=duration=14,afade=t=out:st=13:d=1[m];[s][m]amix=inputs=2:duration=longest:normalize=0,alimiter=level=0[sound]"
)
ENCODER = "-c:v libx264 -preset veryfast -crf 20 -threads 2 -x264-params sliced-threads=1 -c:a aac -b:a 160k -movflags +faststart"


@dataclass(frozen=True)
class Taken:
    """What one video took."""

    seconds: float
    cpu: float


class Ours:
    """The function, a warm process that is asked again and again."""

    def __init__(self, folder: Path):
        shutil.rmtree(folder / "function", ignore_errors=True)
        (folder / "function").mkdir()
        self._folder, self._function = folder, Function("video_compose", folder / "function", "--memory-mb", "1024")

    def make(self) -> Path:
        named = [{"path": str(self._folder / name)} for name in CLIPS]
        clips = [{"source": named[0], "duration": 6}, {"source": named[1], "duration": 6}, {"source": named[2], "duration": 4}]
        given = {"clips": clips, "transition": {"type": "fade", "duration": FADE_S}, "subtitles": {"text": SRT}}
        music = {"source": {"path": str(self._folder / "music.mp3")}}
        return self._function("video.compose", {**given, "music": music}).files[0]

    def pids(self) -> list[int]:
        return family(self._function.process.pid)

    def cpu_s(self) -> float:
        return cpu_s([self._function.process.pid])

    def end(self) -> None:
        self._function.end()


class ByHand:
    """One command, as somebody who knows ffmpeg writes it."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._running: subprocess.Popen | None = None

    def make(self) -> Path:
        inputs = ["-t", "6", "-i", CLIPS[0], "-t", "6", "-i", CLIPS[1], "-framerate", "25", "-i", CLIPS[2]]
        command = [samples.binary(), "-nostdin", "-loglevel", "error", "-y", *inputs, "-i", "music.mp3", "-filter_complex", GRAPH]
        command += ["-map", "[picture]", "-map", "[sound]", *ENCODER.split(), "-t", str(TOTAL_S), "by-hand.mp4"]
        self._running = subprocess.Popen(command, cwd=self._folder)
        assert self._running.wait() == 0
        return self._folder / "by-hand.mp4"

    def pids(self) -> list[int]:
        return [self._running.pid] if self._running else []

    def cpu_s(self) -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime


def main(ground: Ground) -> Result:
    folder = WORK / "compose"
    folder.mkdir(parents=True, exist_ok=True)
    _prepare(folder)
    ours, by_hand = Ours(folder), ByHand(folder)
    try:
        _check(ours.make(), by_hand.make())  # they are warm now, and the files in the page cache
        peaks = [_peak(ours), _peak(by_hand)]
        rounds = [_round(ours, by_hand, turned=number % 2 == 1) for number in range(ROUNDS)]
    finally:
        ours.end()
    seconds, cpu = ([median(getattr(taken[side], what) for taken in rounds) for side in (0, 1)] for what in ("seconds", "cpu"))
    return Result(
        TITLE, TEXT, [_row("time", seconds, "{:.1f} s", MOST_TIME), _row("· CPU", cpu, "{:.1f} s"), _row("· memory", peaks, "{:.0f} MB")]
    )


def _round(ours: Ours, by_hand: ByHand, *, turned: bool) -> tuple[Taken, Taken]:
    if turned:
        late, early = _taken(by_hand), _taken(ours)
        return early, late
    return _taken(ours), _taken(by_hand)


def _taken(side: Ours | ByHand) -> Taken:
    before, begun = side.cpu_s(), perf_counter()
    side.make()
    return Taken(perf_counter() - begun, side.cpu_s() - before)


def _peak(side: Ours | ByHand) -> float:
    """The most memory at any look while it makes a video, in MB."""
    peak, over = 0.0, threading.Event()
    with ThreadPoolExecutor() as threads:
        making = threads.submit(side.make)
        making.add_done_callback(lambda _: over.set())
        while not over.wait(EVERY_S):
            with suppress(OSError):  # one has ended between the list and the look
                peak = max(peak, pss_mb(side.pids()))
        making.result()
    return peak


def _row(what: str, found: Sequence[float], form: str, at_most: float | None = None) -> Row:
    ours, theirs = found
    aim = f"≤ {at_most:.1f} ×" if at_most else ""
    return Row(what, form.format(ours), form.format(theirs), ours / theirs, aim, ours / theirs <= at_most if at_most else None)


def _check(ours: Path, by_hand: Path) -> None:
    """They have made the same video."""
    assert samples.frames(ours) == samples.frames(by_hand) == TOTAL_S * 25
    for second in (2, 5.5, 8, 12):
        assert (samples.frame(ours, second) - samples.frame(by_hand, second)).abs().avg() < ALIKE, second


def _prepare(folder: Path) -> None:
    """Films with as much movement and grain as filmed ones, a photograph, music, the subtitles and their font."""
    grain = "noise=alls=8:allf=t:all_seed=7"
    how = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-colorspace", "bt709", "-color_range", "tv")
    films = {"a.mp4": ("testsrc2=s=1280x720:r=30", 440), "b.mp4": ("mandelbrot=s=1920x1080:r=25", 660)}
    for name, (source, tone) in films.items():
        if not (folder / name).exists():
            picture, sound = ("-f", "lavfi", "-i", f"{source},{grain}"), ("-f", "lavfi", "-i", f"sine={tone}")
            samples.ffmpeg(*picture, *sound, "-t", "7", *how, str(folder / name))
    if not (folder / "c.jpg").exists():
        clouds = [pyvips.Image.perlin(4000, 3000, cell_size=size, uchar=True, seed=size) for size in (400, 90, 250)]
        clouds[0].bandjoin(clouds[1:]).copy(interpretation="srgb").jpegsave(str(folder / "c.jpg"), Q=88)
    samples.tone(folder / "music.mp3", seconds=20, hertz=220)
    (folder / "words.srt").write_text(SRT, encoding="utf-8")
    shutil.copy(fonts.FILE, folder)
