"""The sound track of the clips: each one's own sound at its place, faded into its neighbours' as the pictures are."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pyvips

from ..common import ffmpeg
from .clips import Clip
from .plan import Plan

RATE = 48_000
SAMPLE_BYTES = 4  # 16 bits, left and right
RAW = ["-f", "s16le", "-ar", str(RATE), "-ac", "2"]
PIECE = 256 * 1024
SLOWEST, FASTEST = 0.5, 2.0  # that `atempo` does in one step without dropping any sound


def track(clips: Sequence[Clip], plan: Plan, work: Path) -> Path:
    """Write the clips' sound as long as the video, silence where there is none; returns the file, to be read as RAW."""
    path = work / "sound.pcm"
    with path.open("w+b") as track:
        track.truncate(_samples(plan.total, plan.fps) * SAMPLE_BYTES)
        for place, (clip, start) in enumerate(zip(clips, plan.starts, strict=True)):
            if clip.streams.has_audio and clip.volume:
                _lay(track, clip, _samples(start, plan.fps), _samples(clip.frames, plan.fps), filters(clip, plan, place), work)
    return path


def filters(clip: Clip, plan: Plan, place: int) -> str:
    """What is done to a clip's sound: its speed without another pitch, its volume, fades where it meets its neighbours."""
    volume = [f"volume={clip.volume:.6f}"] if clip.volume != 1 else []
    even = ["aresample=48000:async=1:first_pts=0", "aformat=sample_fmts=s16:channel_layouts=stereo"]
    return ",".join([*even, *(f"atempo={step:.6f}" for step in _paces(clip.speed)), *volume, *_fades(clip, plan, place)])


def _lay(track: BinaryIO, clip: Clip, at: int, count: int, filters: str, work: Path) -> None:
    """Add one clip's sound, `count` samples at most, to the track from sample `at` on."""
    args = ["-map", "0:a:0", "-af", filters, "-t", f"{count / RATE:.6f}", *RAW]
    left = count * SAMPLE_BYTES
    track.seek(at * SAMPLE_BYTES)
    with ffmpeg.decoding(clip.file, args, cwd=work, before=("-ss", f"{clip.start:.3f}")) as pipe:
        while piece := pipe.read(min(PIECE, left)):
            left -= len(piece)
            _add(track, piece)


def _add(track: BinaryIO, piece: bytes) -> None:
    there = track.read(len(piece))
    piece = piece[: len(there)]
    if any(there):
        piece = (_numbers(there) + _numbers(piece)).cast("short").write_to_memory()  # which keeps to what 16 bits can hold
    track.seek(-len(there), 1)
    track.write(piece)


def _numbers(piece: bytes) -> pyvips.Image:
    return pyvips.Image.new_from_memory(piece, len(piece) // 2, 1, 1, "short")


def _paces(speed: float) -> list[float]:
    """Steps that `atempo` can do, which come to `speed` together."""
    paces = []
    while not SLOWEST <= speed <= FASTEST:
        paces.append(SLOWEST if speed < SLOWEST else FASTEST)
        speed /= paces[-1]
    return [*paces, speed] if speed != 1 else paces


def _fades(clip: Clip, plan: Plan, place: int) -> list[str]:
    lasts, before, after = (count / plan.fps for count in (clip.frames, clip.overlap, plan.after(place)))
    fade_in = [f"afade=t=in:d={before:.6f}"] if before else []
    return [*fade_in, f"afade=t=out:st={lasts - after:.6f}:d={after:.6f}"] if after else fade_in


def _samples(frames: int, fps: int) -> int:
    return round(frames * RATE / fps)
