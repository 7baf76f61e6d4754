"""What lies over the pattern of a test card: the graphics and the words, as pictures with transparency."""

import pyvips

from ..common import fonts
from . import graphics
from .graphics import Layout

Placed = tuple[pyvips.Image, float, float]  # a picture with its left and its top

TITLE_SIZES = (8, 6.5, 5.2, 4.2, 3.4)  # units; the first at which the whole prompt fits


ROOM_FOR_WORDS = 160  # pixels of the shorter side; on smaller cards the words at the edge would hide the rest


def overlay(layout: Layout, *, prompt: str, facts: str, note: str, corner: str) -> pyvips.Image:
    """The whole card but the pattern, as RGBA: `prompt` in the middle, `facts` below, `note` upper right, `corner` lower right."""
    drawing = pyvips.Image.svgload_buffer(graphics.card(layout))
    words = _middle(layout, prompt, facts) + _edge(layout, note, corner)
    lefts, tops = [round(left) for _, left, _ in words], [round(top) for _, _, top in words]
    return drawing.composite([word for word, _, _ in words], "over", x=lefts, y=tops)


def dot(layout: Layout) -> pyvips.Image:
    """The dot that travels round the circle, as RGBA."""
    return pyvips.Image.svgload_buffer(graphics.dot(layout))


def dot_place(layout: Layout, dot: pyvips.Image, part: float) -> tuple[float, float]:
    """Left and top of the dot when it is `part` of a turn round the circle."""
    x, y = layout.on_circle(part)
    return x - dot.width / 2, y - dot.height / 2


def _middle(layout: Layout, prompt: str, facts: str) -> list[Placed]:
    title = _title(layout, prompt)
    tail = _white(fonts.drawn(facts, pixels=_small(layout)), 0.8)
    gap = 3 * layout.unit
    top = (layout.height - title.height - tail.height - gap) / 2
    return [
        (title, (layout.width - title.width) / 2, top),
        (tail, (layout.width - tail.width) / 2, top + title.height + gap),
    ]


def _edge(layout: Layout, note: str, corner: str) -> list[Placed]:
    if min(layout.width, layout.height) < ROOM_FOR_WORDS:
        return []
    inset, size = layout.margin + 3 * layout.unit, _small(layout)
    brand, right = _white(fonts.drawn("DARKROOM", pixels=size, weight="bold")), _white(fonts.drawn(note, pixels=size), 0.9)
    placed = [(brand, inset, inset), (right, layout.width - inset - right.width, inset)]
    if corner:
        last = _white(fonts.drawn(corner, pixels=size))
        placed.append((last, layout.width - inset - last.width, layout.height - inset - last.height))
    return placed


def _small(layout: Layout) -> float:
    return max(7, 2.8 * layout.unit)


def _title(layout: Layout, prompt: str) -> pyvips.Image:
    """The prompt, as large as keeps it within the circle; what is too long even when small fades out at the foot."""
    width, room = round(layout.radius * 1.5), round(layout.radius * 0.95)
    for size in TITLE_SIZES:
        mask = fonts.drawn(prompt, pixels=max(7, size * layout.unit), width=width, weight="bold", align="centre")
        if mask.height <= room:
            return _white(mask)
    return _white(_faded(mask.crop(0, 0, mask.width, room)))


def _faded(mask: pyvips.Image) -> pyvips.Image:
    left = 4 * (1 - pyvips.Image.xyz(mask.width, mask.height)[1] / mask.height)
    return (mask * (left > 1).ifthenelse(1, left)).cast("uchar")


def _white(mask: pyvips.Image, strength: float = 1) -> pyvips.Image:
    white = mask.new_from_image([255, 255, 255]).copy(interpretation="srgb")
    return white.bandjoin((mask * strength).cast("uchar"))
