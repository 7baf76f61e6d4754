"""The sound track of the clips: each one's own sound at its place, faded into its neighbours' as the pictures are."""

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ..common import ffmpeg
from .clips import Clip, beginnings
from .frames import Frame

RATE = 48_000
SAMPLE_BYTES = 4  # 16 bits, left and right
RAW = ["-f", "s16le", "-ar", str(RATE), "-ac", "2"]
PIECE = 256 * 1024


def track(clips: Sequence[Clip], frame: Frame, work: Path) -> Path:
    """Write the clips' sound as long as the video, silence where there is none; returns the file, to be read as RAW."""
    path = work / "sound.pcm"
    starts = beginnings(clips, frame.overlap)
    with path.open("w+b") as track:
        track.truncate(_samples(starts[-1] + clips[-1].frames, frame) * SAMPLE_BYTES)
        for place, (clip, start) in enumerate(zip(clips, starts, strict=True)):
            if clip.has_audio:
                _lay(track, clip, _samples(start, frame), frame, work, fades=(place > 0, place < len(clips) - 1))
    return path


def _lay(track: BinaryIO, clip: Clip, at: int, frame: Frame, work: Path, *, fades: tuple[bool, bool]) -> None:
    """Add one clip's sound to the track from sample `at` on."""
    filters = ["aresample=48000:async=1:first_pts=0", "aformat=sample_fmts=s16:channel_layouts=stereo", *_fades(clip, frame, fades)]
    args = ["-map", "0:a:0", "-af", ",".join(filters), "-t", f"{clip.frames / frame.fps:.6f}", *RAW]
    left = _samples(clip.frames, frame) * SAMPLE_BYTES
    track.seek(at * SAMPLE_BYTES)
    with ffmpeg.decoding(clip.file, args, cwd=work, before=("-ss", f"{clip.start:.3f}")) as pipe:
        while piece := pipe.read(min(PIECE, left)):
            left -= len(piece)
            _add(track, piece)


def _add(track: BinaryIO, piece: bytes) -> None:
    there = track.read(len(piece))
    if any(there):
        mixed = (max(-32768, min(32767, one + other)) for one, other in zip(_numbers(there), _numbers(piece), strict=False))
        piece = array("h", mixed).tobytes()
    track.seek(-len(there), 1)
    track.write(piece)


def _numbers(piece: bytes) -> array:
    return array("h", piece[: len(piece) // 2 * 2])


def _fades(clip: Clip, frame: Frame, fades: tuple[bool, bool]) -> list[str]:
    lasts, overlap = clip.frames / frame.fps, frame.overlap / frame.fps
    if not overlap:
        return []
    fade_in, fade_out = f"afade=t=in:d={overlap:.6f}", f"afade=t=out:st={lasts - overlap:.6f}:d={overlap:.6f}"
    return [fade for fade, is_wanted in zip((fade_in, fade_out), fades, strict=True) if is_wanted]


def _samples(frames: int, frame: Frame) -> int:
    return round(frames * RATE / frame.fps)
