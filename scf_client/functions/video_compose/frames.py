"""The picture track, frame by frame: each clip is decoded when its turn comes, and only while it is shown.

One ffmpeg for all clips opens and decodes all of them at once: twenty pictures in 1080p did not fit into 1 GB. Here two decoders
at most are open, however many clips there are.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyvips

from ..common import ffmpeg
from ..common.errors import Invalid
from ..common.ffmpeg import Decoded
from ..common.media import File
from ..common.pictures import Picture
from .clips import Clip

Frames = Generator[bytes, None, None]  # each as planar YUV 4:2:0


@dataclass(frozen=True)
class Frame:
    """The picture that every clip is brought to; `overlap` of neighbours in frames, `background` as #rrggbb."""

    width: int
    height: int
    fps: int
    fit: str
    background: str
    overlap: int

    @property
    def bytes(self) -> int:
        return self.width * self.height * 3 // 2

    @property
    def raw(self) -> list[str]:
        """How ffmpeg is told of such frames."""
        return ["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{self.width}x{self.height}", "-framerate", str(self.fps)]


def track(clips: Sequence[Clip], frame: Frame, work: Path) -> Iterator[bytes]:
    """All frames of the video, neighbours faded into each other; raises Invalid for a clip that gives none."""
    before: Frames | None = None
    for place, clip in enumerate(clips):
        source = _still(clip, frame, work) if clip.file.type == "picture" else _moving(clip, frame, work)
        if before:
            yield from _faded(before, source, frame)
        is_last = place == len(clips) - 1
        alone = clip.frames - frame.overlap * ((before is not None) + (not is_last))
        for _ in range(alone):
            yield next(source)
        before = source


def _faded(before: Frames, after: Frames, frame: Frame) -> Iterator[bytes]:
    for step in range(1, frame.overlap + 1):
        yield _blended(next(before), next(after), step / (frame.overlap + 1), frame)
    before.close()


def _blended(one: bytes, other: bytes, share: float, frame: Frame) -> bytes:
    """`share` (0–1) of the other picture, the rest of the one."""
    planes = [pyvips.Image.new_from_memory(picture, frame.width, frame.height * 3 // 2, 1, "uchar") for picture in (one, other)]
    return (planes[0].linear(1 - share, 0.5) + planes[1].linear(share, 0)).cast("uchar").write_to_memory()


def _still(clip: Clip, frame: Frame, work: Path) -> Frames:
    # Through libvips: upright, in sRGB, checked for size.
    picture = Picture(clip.file).fitted(frame.width, frame.height, frame.fit).flatten(background=list(bytes.fromhex(frame.background[1:])))
    drawn = work / "still.png"
    picture.pngsave(str(drawn), compression=1)
    with ffmpeg.decoding(File(drawn, clip.file.field, "picture", "png_pipe"), _as_frames("null", 1), cwd=work) as pipe:
        content = _read(pipe, clip, frame)
    for _ in range(clip.frames):
        yield content


def _moving(clip: Clip, frame: Frame, work: Path) -> Frames:
    size = f"{frame.width}:{frame.height}"
    fit = {
        "contain": f"scale={size}:force_original_aspect_ratio=decrease,pad={size}:-1:-1:color=0x{frame.background[1:]}",
        "cover": f"scale={size}:force_original_aspect_ratio=increase,crop={size}",
    }[frame.fit]
    # Square pixels first; and a video that is shorter than its clip holds its last frame.
    filters = f"scale=iw*sar:ih,setsar=1,{fit},fps={frame.fps}:start_time=0,tpad=stop_mode=clone:stop=-1"
    begin = ("-threads", "2", *clip.decoder, "-ss", f"{clip.start:.3f}")
    with ffmpeg.decoding(clip.file, _as_frames(filters, clip.frames), cwd=work, before=begin) as pipe:
        for _ in range(clip.frames):
            yield _read(pipe, clip, frame)


def _as_frames(filters: str, count: int) -> list[str]:
    colours = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd,format=yuv420p"
    return ["-map", "0:v:0", "-vf", f"{filters},{colours}", "-frames:v", str(count), "-f", "rawvideo"]


def _read(pipe: Decoded, clip: Clip, frame: Frame) -> bytes:
    content = pipe.read(frame.bytes)
    if len(content) < frame.bytes:
        raise Invalid(f"{clip.file.field} has no picture at {clip.start:g} s.", field=clip.file.field)
    return content
