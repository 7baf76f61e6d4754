"""What a video is written as: codecs, container, and what each cannot hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common import ffmpeg
from ..common.errors import Invalid
from .plan import Plan

# Tiles instead of rows: what the threads write does not depend on which comes first.
VP9 = ("-c:v", "libvpx-vp9", "-crf", "32", "-b:v", "0", "-deadline", "good", "-cpu-used", "5", "-tile-columns", "1", "-threads", "2")
WEBM = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-pix_fmt", "yuv420p", "-f", "webm")
OPUS = ("-c:a", "libopus", "-b:a", "128k", "-flags:a", "+bitexact")
AAC = ("-c:a", "aac", "-b:a", "160k", "-flags:a", "+bitexact")
# A GIF's colours are known only when all frames have been seen: until then they are kept without loss, instead of in memory.
KEPT = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", *ffmpeg.THREADS, "-pix_fmt", "yuv420p", "-f", "matroska")
GIF_LONGEST_S = 60
GIF_MOST_PIXELS = 800_000_000  # of all frames: 35 s in 720p; until then they lie on a function's disk
PALETTE, DITHER = "palettegen=stats_mode=full", "paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle"


@dataclass(frozen=True)
class Format:
    """A file's ending and type, the arguments of its encoders and its container; what is empty it cannot hold.

    `track` is the format that its subtitles are taken from.
    """

    ending: str
    content_type: str
    video: tuple[str, ...]
    sound: tuple[str, ...] = ()
    subtitles: tuple[str, ...] = ()
    track: str = ""

    @property
    def name(self) -> str:
        return f"0.{self.ending}"


FORMATS = {
    "mp4": Format("mp4", "video/mp4", (*ffmpeg.H264, *ffmpeg.BT709, *ffmpeg.MP4), AAC, ("-c:s", "mov_text"), "srt"),
    "webm": Format("webm", "video/webm", (*VP9, *ffmpeg.BT709, *WEBM), OPUS, ("-c:s", "copy"), "webvtt"),
    "gif": Format("gif", "image/gif", (*KEPT,)),
}


def check(format_: Format, plan: Plan, pixels: int) -> None:
    """Raise Invalid for a plan, of frames with so many pixels, that a format cannot show."""
    if format_.ending != "gif":
        return
    if plan.seconds > GIF_LONGEST_S:
        raise Invalid(f"The GIF would last {plan.seconds:g} s: {GIF_LONGEST_S} s at most.", field="clips")
    if plan.total * pixels > GIF_MOST_PIXELS:
        millions = f"{plan.total * pixels / 1e6:,.0f} million pixels in all, of {GIF_MOST_PIXELS / 1e6:,.0f} at most"
        raise Invalid(f"The GIF would have {millions}: lower its size, fps or length.", field="output_format")


def gif(frames: str, to: Path, *, repeats: bool) -> list[Sequence[str]]:
    """The two runs of ffmpeg that make a GIF of kept frames: its colours, then itself."""
    return [
        ("-i", frames, "-vf", PALETTE, "-frames:v", "1", "colours.png"),
        ("-i", frames, "-i", "colours.png", "-filter_complex", DITHER, "-loop", "0" if repeats else "-1", "-f", "gif", str(to)),
    ]
