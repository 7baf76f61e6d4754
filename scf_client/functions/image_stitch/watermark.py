"""A watermark: a text or a picture, in one place or all over."""

from collections.abc import Mapping
from math import ceil, sqrt
from typing import Any

import pyvips

from ..common import marks, media
from ..common.pictures import Picture, parts
from . import looks
from .canvas import Canvas

PICTURES: tuple[media.Type, ...] = ("picture",)
SLANT = -30  # degrees, of one that is all over
APART = 1.4  # from one to the next, in their widths and heights
AT_MOST = 600  # all over, so that tiny ones do not keep us busy


def checked(given: Mapping[str, Any] | None) -> Picture | None:
    """The picture that a watermark is made of, None where it is a text; raises Invalid where that file is none."""
    if given is None or "image" not in given:
        return None
    picture = Picture(media.opened(given["image"], "watermark.image", PICTURES))
    picture.size  # noqa: B018  (read before any other picture is decoded)
    return picture


def draw(canvas: Canvas, given: Mapping[str, Any], picture: Picture | None) -> None:
    """Lay the watermark on a finished picture."""
    width = max(1, round(canvas.width * given["size"] / 100))
    mark = picture.scaled(width, canvas.height, "contain") if picture else _text(given, width)
    mark = looks.faded(mark, given["opacity"]).copy_memory()
    if given["position"] == "tiled":
        _all_over(canvas, mark.similarity(angle=SLANT).cast("uchar").copy_memory())
        return
    margin, (across, down) = given["margin"], parts(given["position"])
    room = canvas.width - mark.width - 2 * margin, canvas.height - mark.height - 2 * margin
    canvas.draw(mark, margin + round(room[0] * across), margin + round(room[1] * down))


def _all_over(canvas: Canvas, mark: pyvips.Image) -> None:
    """In rows, every other one begun half a step further left."""
    least = ceil(sqrt(canvas.width * canvas.height / AT_MOST))
    across, down = max(round(mark.width * APART), least), max(round(mark.height * APART), least)
    for row, top in enumerate(range(-mark.height // 2, canvas.height, down)):
        for left in range(-mark.width // 2 - (row % 2) * across // 2, canvas.width, across):
            canvas.draw(mark, left, top)


def _text(given: Mapping[str, Any], width: int) -> pyvips.Image:
    return marks.lettered(given["text"], width=width, colour=given.get("colour", "#ffffff"), field="watermark.text")
