"""An output as the page shows it: a picture of few kilobytes (of a video, some frames in a row), or the first lines of a text."""

import logging
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pyvips

logging.getLogger("pyvips").setLevel(logging.WARNING)  # it tells of each step that it takes

SIDE, STRIP_WIDTH = 360, 640  # pixels of the longer side
FRAMES = 4
MAX_BYTES = 15_000
QUALITIES = (90, 80, 70, 60, 50, 40, 30, 20)
LINES = 24


def is_text(output: Mapping[str, Any]) -> bool:
    return output["content_type"].startswith(("text/", "application/"))


def picture(output: Mapping[str, Any]) -> pyvips.Image:
    """What a picture or a video looks like, small."""
    if output["content_type"].startswith("video/"):
        return _strip(output)
    return pyvips.Image.thumbnail(output["path"], SIDE, height=SIDE, size="down", output_profile="srgb").copy_memory()


def webp(image: pyvips.Image) -> bytes:
    """In the best quality that fits into MAX_BYTES."""
    for quality in QUALITIES:
        content = image.webpsave_buffer(Q=quality, effort=6, smart_subsample=True, keep="none")
        if len(content) <= MAX_BYTES:
            return content
    raise ValueError(f"a picture of {image.width} × {image.height} does not fit into {MAX_BYTES} bytes")


def snippet(output: Mapping[str, Any]) -> str:
    """The first lines of a text."""
    lines = Path(output["path"]).read_text(encoding="utf-8").splitlines()
    return "\n".join([*lines[:LINES], *(["…"] if len(lines) > LINES else [])])


def _strip(output: Mapping[str, Any]) -> pyvips.Image:
    """Frames of a video, evenly apart, in a row."""
    width = STRIP_WIDTH // FRAMES
    how = f"fps={FRAMES / output['duration']}:round=up,scale={width}:-2,tile={FRAMES}x1"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-i", output["path"], "-vf", how]
    drawn = subprocess.run([*command, "-frames:v", "1", "-c:v", "png", "-f", "image2pipe", "pipe:1"], capture_output=True, check=True)
    return pyvips.Image.new_from_buffer(drawn.stdout, "").copy_memory()
