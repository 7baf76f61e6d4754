"""Where each picture goes: pure arithmetic over sizes in pixels."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from ..common.errors import Invalid

MAX_SIDE = 16_383  # what a WebP can have
MAX_PIXELS = 100_000_000
OWN_SIDE = 8_192  # no larger than this where the client named no size
Size = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """A cell of the result: where it begins and how large it is."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True)
class Plan:
    """The result's size, and a box for each picture in reading order."""

    width: int
    height: int
    boxes: list[Box]


def columns(layout: str, count: int, asked: int | None) -> int:
    """How many columns `count` pictures get; a grid without a number is as square as can be."""
    if layout == "grid":
        return min(asked or ceil(sqrt(count)), count)
    return count if layout == "row" else 1


def of_cells(count: int, across: int, *, cell: Size, gap: int) -> Plan:
    """All cells alike."""
    down = ceil(count / across)
    return _plan(count, [cell[0]] * across, [cell[1]] * down, gap)


def of_size(count: int, across: int, *, size: Size, gap: int) -> Plan:
    """A result of exactly `size`; cells differ by a pixel where it cannot be divided."""
    down = ceil(count / across)
    return _plan(count, _shares(size[0], across, gap), _shares(size[1], down, gap), gap)


def of_own(sizes: Sequence[Size], across: int, *, gap: int) -> Plan:
    """Pictures in their own sizes: a column is as wide as its widest one, a row as high as its highest."""
    down = ceil(len(sizes) / across)
    widths = [max(size[0] for size in sizes[place::across]) for place in range(across)]
    heights = [max(size[1] for size in sizes[row * across : (row + 1) * across]) for row in range(down)]
    return _plan(len(sizes), widths, heights, gap)


def first_cell(first: Size, count: int, across: int, gap: int) -> Size:
    """The first picture's size, made smaller where the whole would pass OWN_SIDE."""
    down = ceil(count / across)
    room = (OWN_SIDE - gap * (across - 1)) / (across * first[0]), (OWN_SIDE - gap * (down - 1)) / (down * first[1])
    scale = min(1, *room)
    if scale <= 0:
        raise Invalid("The gaps alone are larger than the result may be: lower gap.", field="gap")
    return max(1, int(first[0] * scale)), max(1, int(first[1] * scale))


def _plan(count: int, widths: list[int], heights: list[int], gap: int) -> Plan:
    width, height = sum(widths) + gap * (len(widths) - 1), sum(heights) + gap * (len(heights) - 1)
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Invalid(f"The result would have {width} × {height} pixels: at most {MAX_SIDE} a side and {MAX_PIXELS:,} in all.")
    lefts, tops = _starts(widths, gap), _starts(heights, gap)
    places = [divmod(place, len(widths)) for place in range(count)]
    return Plan(width, height, [Box(lefts[column], tops[row], widths[column], heights[row]) for row, column in places])


def _starts(sides: list[int], gap: int) -> list[int]:
    return [sum(sides[:place]) + gap * place for place in range(len(sides))]


def _shares(whole: int, parts: int, gap: int) -> list[int]:
    room = whole - gap * (parts - 1)
    if room < parts:
        raise Invalid(f"A size of {whole} pixels leaves no room for {parts} pictures with a gap of {gap}.", field="size")
    ends = [room * place // parts for place in range(parts + 1)]
    return [end - start for start, end in itertools.pairwise(ends)]
