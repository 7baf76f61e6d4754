"""The picture track: a chain of ffmpegs, one for each clip, that pour their frames into the encoder's one after another.

One ffmpeg for all clips opens and decodes all of them at once: twenty pictures in 1080p did not fit into 1 GB. Here two decoders
at most are open, however many clips there are: the one that is shown, and the next one, which is ready when its turn comes. Where
two clips overlap, the earlier one's last frames flow into the process of the later one, which blends them with its own.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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


def pour(clips: Sequence[Clip], frame: Frame, work: Path, into: BinaryIO) -> None:
    """Write all frames of the video into a pipe; raises Invalid for a clip that is damaged or gives none."""
    # A thread feeds the later process, which would else write what nobody reads while we write what it does not read.
    with ThreadPoolExecutor(max_workers=1) as feeder, ExitStack() as opened:
        decoded, fed = opened.enter_context(_decoding(clips[0], frame, work / "still-0.png")), None
        for place, (clip, after) in enumerate(zip(clips, [*clips[1:], None], strict=True)):
            _move_blended(decoded, clip, frame, into, fed)
            fed, overlap = None, after.overlap if after else 0
            # By now the clip before is over; two pictures at most are drawn at a time.
            following = after and opened.enter_context(_decoding(after, frame, work / f"still-{(place + 1) % 2}.png"))
            _move(decoded, clip, clip.frames - clip.overlap - overlap, frame, into)
            if following and overlap:
                fed = feeder.submit(_feed, decoded, clip, overlap, frame, following)
            else:
                decoded.check()
            decoded = following or decoded


def _move_blended(decoded: Decoded, clip: Clip, frame: Frame, into: BinaryIO, fed: Future[None] | None) -> None:
    """Hand on the frames that a clip shares with the one before; what is wrong with that one is told first, because both lack it."""
    try:
        _move(decoded, clip, clip.overlap, frame, into)
    except Invalid:
        if fed:
            fed.result()
        raise
    if fed:
        fed.result()


def _feed(decoded: Decoded, clip: Clip, overlap: int, frame: Frame, following: Decoded) -> None:
    """Hand a clip's last frames on to the process of the next one."""
    try:
        with following.stdin as into:
            _move(decoded, clip, overlap, frame, into)
    except BrokenPipeError:
        return  # that one has ended early, and is asked why
    decoded.check()


def _decoding(clip: Clip, frame: Frame, drawn: Path) -> AbstractContextManager[Decoded]:
    """A clip's own frames, the first of them blended with what its stdin is fed; a picture is drawn to a file of ours first."""
    before = [*frame.raw, "-i", "pipe:0"] if clip.overlap else []
    filters = ["-filter_complex_threads", "2", "-filter_complex", graph.of_clip(clip, frame), "-map", "[picture]"]
    file, begin = _still(clip, frame, drawn) if clip.file.type == "picture" else (clip.file, _begin(clip))
    args = [*before, *filters, "-frames:v", str(clip.frames), "-f", "rawvideo"]
    return ffmpeg.decoding(file, args, cwd=drawn.parent, before=begin, is_fed=bool(clip.overlap))


def _begin(clip: Clip) -> tuple[str, ...]:
    return ("-threads", "2", *clip.streams.decoder, "-ss", f"{clip.start:.3f}")


def _still(clip: Clip, frame: Frame, drawn: Path) -> tuple[File, tuple[str, ...]]:
    """A picture drawn no larger than it is shown, and how that is opened."""
    # Through libvips: upright, in sRGB, checked for size.
    picture = Picture(clip.file)
    size = frame.times(clip.motion.detail if clip.motion else 1)
    shape = size if frame.fit == "cover" else graph.inside(picture.size, size)
    flat = picture.fitted(*shape, "cover").flatten(background=list(bytes.fromhex(frame.background[1:])))
    flat.pngsave(str(drawn), compression=1)
    return File(drawn, clip.file.field, "picture", "png_pipe"), ("-framerate", str(frame.fps))


def _move(decoded: Decoded, clip: Clip, count: int, frame: Frame, into: BinaryIO) -> None:
    if decoded.move(count * frame.bytes, into) < count * frame.bytes:
        raise Invalid(f"{clip.file.field} has no picture at {clip.start:g} s.", field=clip.file.field)
