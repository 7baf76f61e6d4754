"""Where each picture goes: pure arithmetic over sizes in pixels."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from ..common.errors import Invalid
from .templates import Area, Template

MAX_SIDES = {"webp": 16_383, "avif": 16_384, "jpeg": 65_500, "png": 100_000}  # what their formats, or libvips' writers, can have
MAX_PIXELS = {"webp": 40_000_000, "avif": 20_000_000, "jpeg": 100_000_000, "png": 100_000_000}  # what their encoders do within 1 GB
OWN_SIDE = 8_192  # no larger than this where the client named no size
Size = tuple[int, int]


@dataclass(frozen=True)
class Box:
    """A part of the result: where it begins and how large it is."""

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


def of_cells(count: int, across: int, *, cell: Size, gap: int, padding: int = 0) -> Plan:
    """All cells alike."""
    down = ceil(count / across)
    return _plan(_in_order(count, across), [cell[0]] * across, [cell[1]] * down, gap, padding)


def of_size(count: int, across: int, *, size: Size, gap: int, padding: int = 0) -> Plan:
    """A result of exactly `size`; cells differ by a pixel where it cannot be divided."""
    return of_template(Template(across, ceil(count / across), _in_order(count, across)), size=size, gap=gap, padding=padding)


def of_template(template: Template, *, size: Size, gap: int, padding: int = 0) -> Plan:
    """A result of exactly `size`, divided as the template has it."""
    room = size[0] - 2 * padding, size[1] - 2 * padding
    widths, heights = _shares(room[0], template.across, gap), _shares(room[1], template.down, gap)
    return _plan(template.areas, widths, heights, gap, padding)


def of_own(sizes: Sequence[Size], across: int, *, gap: int, padding: int = 0) -> Plan:
    """Pictures in their own sizes: a column is as wide as its widest one, a row as high as its highest."""
    down = ceil(len(sizes) / across)
    widths = [max(size[0] for size in sizes[place::across]) for place in range(across)]
    heights = [max(size[1] for size in sizes[row * across : (row + 1) * across]) for row in range(down)]
    return _plan(_in_order(len(sizes), across), widths, heights, gap, padding)


def of_width(sizes: Sequence[Size], *, width: int, band: int, gap: int, padding: int = 0) -> Plan:
    """A long picture: one below the other, all of one width, each as high as it then is, with a band of so many pixels more."""
    heights = [max(1, round(size[1] * width / size[0])) + band for size in sizes]
    return _plan(_in_order(len(sizes), 1), [width], heights, gap, padding)


def first_cell(first: Size, count: int, across: int, gap: int, padding: int = 0) -> Size:
    """The first picture's size, made smaller where the whole would pass OWN_SIDE."""
    room = OWN_SIDE - 2 * padding
    down = ceil(count / across)
    scale = min(1, (room - gap * (across - 1)) / (across * first[0]), (room - gap * (down - 1)) / (down * first[1]))
    if scale <= 0:
        raise Invalid("The gaps alone are larger than the result may be: lower gap.", field="gap")
    return max(1, int(first[0] * scale)), max(1, int(first[1] * scale))


def first_width(sizes: Sequence[Size], *, max_side: int, max_pixels: int, gap: int, padding: int = 0) -> int:
    """The width of a long picture: the first one's, made smaller where the whole would be too high, or have too many pixels."""
    high = sum(size[1] / size[0] for size in sizes)  # the height of them all, in widths
    room = max_side - 2 * padding - gap * (len(sizes) - 1) - len(sizes)  # a pixel each is lost to rounding
    if room < len(sizes):
        raise Invalid("The gaps alone are larger than the result may be: lower gap.", field="gap")
    return max(1, int(min(sizes[0][0], OWN_SIDE, room / high, sqrt(max_pixels * 0.9 / high))))


def check(plan: Plan, output_format: str) -> None:
    """Raise Invalid where the result is larger than a function draws, or than its format can be."""
    side, pixels = MAX_SIDES[output_format], MAX_PIXELS[output_format]
    if max(plan.width, plan.height) > side or plan.width * plan.height > pixels:
        told = f"The result would have {plan.width} × {plan.height} pixels"
        raise Invalid(f"{told}: at most {side:,} a side as {output_format}, and {pixels:,} in all.")


def parted(box: Box, band: int, *, above: bool) -> tuple[Box, Box]:
    """A box as the room for its picture and a band of `band` pixels for its caption."""
    room = box.height - band
    if room < 1:
        raise Invalid("The captions leave no room for the pictures: lower captions.size.", field="captions.size")
    picture = Box(box.left, box.top + (band if above else 0), box.width, room)
    return picture, Box(box.left, box.top if above else box.top + room, box.width, band)


def _in_order(count: int, across: int) -> list[Area]:
    places = [divmod(place, across) for place in range(count)]
    return [Area(column, row, column + 1, row + 1) for row, column in places]


def _plan(areas: Sequence[Area], widths: list[int], heights: list[int], gap: int, padding: int) -> Plan:
    lefts, tops = _starts(widths, gap, padding), _starts(heights, gap, padding)
    boxes = [
        Box(
            lefts[area.left],
            tops[area.top],
            lefts[area.right] - gap - lefts[area.left],
            tops[area.bottom] - gap - tops[area.top],
        )
        for area in areas
    ]
    return Plan(lefts[-1] - gap + padding, tops[-1] - gap + padding, boxes)


def _starts(sides: list[int], gap: int, padding: int) -> list[int]:
    """Where each begins, and where one more would."""
    return [padding + sum(sides[:place]) + gap * place for place in range(len(sides) + 1)]


def _shares(whole: int, parts: int, gap: int) -> list[int]:
    room = whole - gap * (parts - 1)
    if room < parts:
        raise Invalid(f"{max(whole, 0)} pixels leave no room for {parts} pictures with a gap of {gap}: raise size.", field="size")
    ends = [room * place // parts for place in range(parts + 1)]
    return [end - start for start, end in itertools.pairwise(ends)]
