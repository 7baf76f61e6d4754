"""From what a client says of a picture's size to width and height in pixels."""

from math import sqrt

STEP = 8  # what models usually round to
MIN, MAX = 64, 1920


def of_image(size: str | None, aspect_ratio: str | None) -> tuple[int, int]:
    """`size` as it is; an aspect ratio with about a million pixels; 1024 × 1024 without either."""
    if size:
        return parsed(size)
    across, down = _ratio(aspect_ratio or "1:1")
    width = sqrt(1024 * 1024 * across / down)
    return _rounded(width), _rounded(width * down / across)


def of_video(size: str | None, resolution: str | None, aspect_ratio: str | None) -> tuple[int, int]:
    """`size` as it is; else `resolution` (720p) is the shorter side, as far as the longer one stays within 1920."""
    if size:
        return parsed(size)
    across, down = _ratio(aspect_ratio or "16:9")
    shorter = int((resolution or "720p").removesuffix("p"))
    scale = min(shorter / min(across, down), MAX / max(across, down))
    return _even(across * scale), _even(down * scale)


def parsed(size: str) -> tuple[int, int]:
    width, height = size.split("x")
    return int(width), int(height)


def _ratio(text: str) -> tuple[int, int]:
    across, down = text.split(":")
    return int(across), int(down)


def _rounded(side: float) -> int:
    return min(max(round(side / STEP) * STEP, MIN), MAX)


def _even(side: float) -> int:
    return round(side / 2) * 2
