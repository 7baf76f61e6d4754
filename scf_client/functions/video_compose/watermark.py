"""A watermark: a text or a picture as a PNG of its own, and the filter that lays it over the frames."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyvips

from ..common import fonts, media
from ..common.errors import Invalid
from ..common.pictures import Picture
from . import graph

DRAFT = 100  # pixels at which a text is measured
PICTURES: tuple[media.Type, ...] = ("picture",)
SIDES = {"left": 0.0, "right": 1.0, "top": 0.0, "bottom": 1.0}


def draw(given: Mapping[str, Any], size: tuple[int, int], folder: Path) -> None:
    """Write watermark.png into the folder; raises Invalid where the picture is none, or the text empty."""
    width = max(1, round(size[0] * given["size"] / 100))
    mark = _text(given, width) if "text" in given else _picture(given, (width, size[1]))
    faded = mark.extract_band(0, n=3).bandjoin((mark.extract_band(3) * given["opacity"]).cast("uchar"))
    faded.copy(interpretation="srgb").pngsave(str(folder / "watermark.png"))


def filters(given: Mapping[str, Any], source: str, begin: int, end: int) -> str:
    """From [picture] and the watermark's input `source` to [picture], seen from frame `begin` until `end`."""
    across, down = _shares(given["position"])
    margin = given["margin"]
    place = f"x='{margin}+(W-w-{2 * margin})*{across:g}':y='{margin}+(H-h-{2 * margin})*{down:g}'"
    colours = "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd,format=yuva420p"
    return f"[{source}]{colours}[mark];[picture][mark]overlay={place}:format=yuv420:enable='gte(n,{begin})*lt(n,{end})'[picture]"


def _shares(position: str) -> tuple[float, float]:
    """Which share of the free room lies left of it, and above it."""
    words = position.split("-")
    across = next((SIDES[word] for word in words if word in ("left", "right")), 0.5)
    return across, next((SIDES[word] for word in words if word in ("top", "bottom")), 0.5)


def _picture(given: Mapping[str, Any], room: tuple[int, int]) -> pyvips.Image:
    picture = Picture(media.opened(given["image"], "watermark.image", PICTURES))
    return picture.fitted(*graph.inside(picture.size, room), "cover")


def _text(given: Mapping[str, Any], width: int) -> pyvips.Image:
    """One line, `width` wide, with a shadow: it must be seen on white too."""
    if not fonts.visible(given["text"]).strip():
        raise Invalid("watermark.text has nothing but white space in it.", field="watermark.text")
    pixels = max(6.0, DRAFT * width / fonts.drawn(given["text"], pixels=DRAFT, weight="bold").width)
    mask = fonts.drawn(given["text"], pixels=pixels, weight="bold")
    soft = max(1.0, pixels / 20)
    room = round(3 * soft)
    mask = mask.embed(room, room, mask.width + 2 * room, mask.height + 2 * room)
    shadow = _coloured(mask.gaussblur(soft) * 0.8, [0, 0, 0])
    return shadow.composite2(_coloured(mask, list(bytes.fromhex(given.get("colour", "#ffffff")[1:]))), "over").cast("uchar")


def _coloured(mask: pyvips.Image, colour: list[int]) -> pyvips.Image:
    plain = pyvips.Image.black(mask.width, mask.height).new_from_image(colour).cast("uchar")
    return plain.bandjoin(mask.cast("uchar")).copy(interpretation="srgb")
