"""A test card as a video: ffmpeg enlarges the small frames of the pattern and lays card, dot and timecode over them."""

from pathlib import Path

import pyvips

from ..common import ffmpeg, fonts, sizes
from ..common.job import Job, Output
from . import card, pattern, seeds
from .graphics import Layout

FPS = 25
LAP_S = 4  # of the dot round the circle


def make(job: Job) -> list[Output]:
    """One mp4 of 25 frames a second, without sound."""
    layout = Layout(*sizes.of_video(job.input.get("size"), job.input.get("resolution"), job.input.get("aspect_ratio")))
    count = round(job.input["duration"] * FPS)
    seed = seeds.of(job.token, job.input)
    small = pattern.frames(pattern.lights(seed), (layout.width, layout.height), (count, FPS))
    dot = _drawn_parts(job, layout, seed, count, small)
    args = _arguments(layout, (small.width, small.height // count), dot, job.out / "0.mp4")
    ffmpeg.run(args, cwd=job.work, progress=lambda frames: job.progress(frames / count))
    return [Output("0.mp4", "video/mp4", layout.width, layout.height, count / FPS)]


def _drawn_parts(job: Job, layout: Layout, seed: int, count: int, small: pyvips.Image) -> pyvips.Image:
    """Write pattern.rgb, card.png, dot.png and a link to the font into the work folder; returns the dot."""
    note = f"{layout.width} × {layout.height} · {FPS} fps · {count / FPS:g} s"
    dot = card.dot(layout)
    (job.work / "pattern.rgb").write_bytes((small * 257).cast("ushort").write_to_memory())
    card.overlay(layout, prompt=job.input["prompt"], facts=f"seed {seed}", note=note, corner="").pngsave(str(job.work / "card.png"))
    dot.pngsave(str(job.work / "dot.png"))
    (job.work / "font.otf").symlink_to(fonts.FILE)  # a plain name needs no escaping in a filter
    return dot


def _arguments(layout: Layout, small: tuple[int, int], dot: pyvips.Image, to: Path) -> list[str]:
    raw = ["-f", "rawvideo", "-pixel_format", "rgb48le", "-video_size", f"{small[0]}x{small[1]}", "-framerate", str(FPS)]
    pictures = ["-i", "card.png", "-i", "dot.png"]
    filters = ["-filter_complex_threads", "1", "-filter_complex", _filters(layout, dot), "-map", "[out]"]
    return [*raw, "-i", "pattern.rgb", *pictures, *filters, *ffmpeg.H264, *ffmpeg.BT709, *ffmpeg.MP4, str(to)]


def _filters(layout: Layout, dot: pyvips.Image) -> str:
    left, top = card.dot_place(layout, dot, 0)
    angle = f"2*PI*t/{LAP_S}"
    across = f"{left:.2f}+{layout.radius:.2f}*sin({angle})"
    down = f"{top + layout.radius:.2f}-{layout.radius:.2f}*cos({angle})"
    colours = "out_color_matrix=bt709:out_range=tv"
    return (
        f"[0:v]scale={layout.width}:{layout.height}:flags=bicubic+accurate_rnd:{colours},format=yuv420p[pattern];"
        f"[pattern][1:v]overlay=format=yuv420[card];[card][2:v]overlay=x='{across}':y='{down}':format=yuv420,"
        f"{_timecode(layout)},format=yuv420p,{ffmpeg.IS_BT709}[out]"
    )


def _timecode(layout: Layout) -> str:
    inset, size = round(layout.margin + 3 * layout.unit), max(7, round(4.2 * layout.unit))
    place = f"x=w-tw-{inset}:y=h-{inset}-{size}"
    return rf"drawtext=fontfile=font.otf:timecode='00\:00\:00\:00':rate={FPS}:fontsize={size}:fontcolor=white:{place}"
