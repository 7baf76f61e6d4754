"""The picture track: a chain of ffmpegs, one for each clip, that pour their frames into the encoder's one after another.

One ffmpeg for all clips opens and decodes all of them at once: twenty pictures in 1080p did not fit into 1 GB. Here two decoders
at most are open, however many clips there are. Where two clips overlap, the earlier one's last frames flow straight into the
process of the later one, which blends them with its own.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import BinaryIO

from ..common import ffmpeg
from ..common.errors import Invalid
from ..common.ffmpeg import Decoded
from ..common.media import File
from ..common.pictures import Picture
from . import graph
from .clips import Clip
from .graph import Frame

WAIT_S = 1.0  # for the end of a process that has failed: it may be some milliseconds behind the one that noticed


def pour(clips: Sequence[Clip], frame: Frame, work: Path, into: BinaryIO) -> None:
    """Write all frames of the video into a pipe; raises Invalid for a clip that is damaged or gives none."""
    before: Decoded | None = None
    with ExitStack() as opened:  # each ends by itself with its last frame; only a fault leaves some to be ended
        for clip, after in zip(clips, [*clips[1:], None], strict=True):
            decoded = opened.enter_context(_decoding(clip, frame, work, before))
            try:
                _move(decoded, clip, clip.frames - (after.overlap if after else 0), frame, into)
            except Invalid:
                if before:
                    before.check(patience_s=WAIT_S)  # what it lacks, the one after it lacks too
                raise
            if before:
                before.check()  # its frames have all been shown
            before = decoded
        if before:
            before.check()


def _decoding(clip: Clip, frame: Frame, work: Path, before: Decoded | None) -> AbstractContextManager[Decoded]:
    """A clip's own frames, the first of them blended with what is left of the one before."""
    tail = [*frame.raw, "-i", "pipe:0"] if clip.overlap else []
    filters = ["-filter_complex_threads", "2", "-filter_complex", graph.of_clip(clip, frame), "-map", "[picture]"]
    file, begin = _still(clip, frame, work) if clip.file.type == "picture" else (clip.file, _begin(clip))
    args = [*tail, *filters, "-frames:v", str(clip.frames), "-f", "rawvideo"]
    return ffmpeg.decoding(file, args, cwd=work, before=begin, stdin=before.rest if before and clip.overlap else None)


def _begin(clip: Clip) -> tuple[str, ...]:
    return ("-threads", "2", *clip.streams.decoder, "-ss", f"{clip.start:.3f}")


def _still(clip: Clip, frame: Frame, work: Path) -> tuple[File, tuple[str, ...]]:
    """A picture as a file of its own, no larger than it is shown, and how it is opened."""
    # Through libvips: upright, in sRGB, checked for size.
    picture = Picture(clip.file)
    size = frame.times(clip.motion.detail if clip.motion else 1)
    shape = size if frame.fit == "cover" else graph.inside(picture.size, size)
    drawn = work / f"{clip.file.field}.png"
    flat = picture.fitted(*shape, "cover").flatten(background=list(bytes.fromhex(frame.background[1:])))
    flat.pngsave(str(drawn), compression=1)
    return File(drawn, clip.file.field, "picture", "png_pipe"), ("-framerate", str(frame.fps))


def _move(decoded: Decoded, clip: Clip, count: int, frame: Frame, into: BinaryIO) -> None:
    if decoded.move(count * frame.bytes, into) < count * frame.bytes:
        raise Invalid(f"{clip.file.field} has no picture at {clip.start:g} s.", field=clip.file.field)
