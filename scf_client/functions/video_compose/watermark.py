"""A watermark: a text or a picture as a PNG of its own, and the filter that lays it over the frames."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyvips

from ..common import marks, media
from ..common.pictures import Picture, parts
from . import graph

PICTURES: tuple[media.Type, ...] = ("picture",)


def draw(given: Mapping[str, Any], size: tuple[int, int], folder: Path) -> None:
    """Write watermark.png into the folder; raises Invalid where the picture is none, or the text empty."""
    width = max(1, round(size[0] * given["size"] / 100))
    mark = _picture(given, (width, size[1])) if "image" in given else _text(given, width)
    faded = mark.extract_band(0, n=3).bandjoin((mark.extract_band(3) * given["opacity"]).cast("uchar"))
    faded.copy(interpretation="srgb").pngsave(str(folder / "watermark.png"))


def filters(given: Mapping[str, Any], source: str, begin: int, end: int) -> str:
    """From [picture] and the watermark's input `source` to [picture], seen from frame `begin` until `end`."""
    across, down = parts(given["position"])
    margin = given["margin"]
    place = f"x='{margin}+(W-w-{2 * margin})*{across:g}':y='{margin}+(H-h-{2 * margin})*{down:g}'"
    colours = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd,format=yuva420p"
    return f"[{source}]{colours}[mark];[picture][mark]overlay={place}:format=yuv420:enable='gte(n,{begin})*lt(n,{end})'[picture]"


def _picture(given: Mapping[str, Any], room: tuple[int, int]) -> pyvips.Image:
    picture = Picture(media.opened(given["image"], "watermark.image", PICTURES))
    return picture.fitted(*graph.inside(picture.size, room), "cover")


def _text(given: Mapping[str, Any], width: int) -> pyvips.Image:
    return marks.lettered(given["text"], width=width, colour=given.get("colour", "#ffffff"), field="watermark.text")
