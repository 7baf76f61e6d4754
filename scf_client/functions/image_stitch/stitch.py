"""Pictures in, one picture out. Each is decoded, scaled and finished before its turn is over; few have theirs at once."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyvips

from ..common import media, save
from ..common.job import Job, Output
from ..common.pictures import Picture, parts
from . import layout, looks, watermark, weigh
from .canvas import Canvas
from .captions import Captions
from .layout import Box, Plan
from .templates import template

DEFAULT_QUALITY = 85
DEFAULT_SIZE = (2048, 2048)  # of a collage
PICTURES: tuple[media.Type, ...] = ("picture",)
# How many are decoded at once: as many as there are cores, and as have no more pixels together. A picture whose format must be decoded
# whole takes 4 to 8 bytes a pixel.
PIXELS_AT_ONCE = 50_000_000
CORES = min(4, os.cpu_count() or 1)


def make(job: Job) -> list[Output]:
    """One picture as the schema describes it; an input that cannot be read is Invalid and named."""
    input = job.input
    pictures = [Picture(media.opened(value, f"images[{place}]", PICTURES)) for place, value in enumerate(input["images"])]
    mark = watermark.checked(input.get("watermark"))
    captions = Captions(input.get("captions"), pictures=len(pictures))
    sizes = [picture.size for picture in pictures]  # every header is read before any picture is decoded
    band = captions.band([box.width for box in _planned(input, sizes, band=0).boxes]) if captions.are_beside else 0
    plan = _planned(input, sizes, band=band)
    layout.check(plan, input["output_format"])
    canvas = _ground(input["background"], plan, pictures[0])
    _draw_all(job, canvas, plan, pictures, captions, band)
    if "watermark" in input:
        watermark.draw(canvas, input["watermark"], mark)
    name, content_type = _written(job, canvas.image())
    return [Output(name, content_type, plan.width, plan.height)]


def _planned(input: Mapping[str, Any], sizes: Sequence[layout.Size], *, band: int) -> Plan:
    """Boxes for pictures of these sizes, each with the caption's band where no size of them was told."""
    count, room = len(sizes), {"gap": input["gap"], "padding": input["padding"]}
    if input["layout"] == "collage":
        return layout.of_template(template(input.get("template"), count), size=_pixels(input.get("size")) or DEFAULT_SIZE, **room)
    if input["layout"] == "long":
        most = {
            "max_side": layout.MAX_SIDES[input["output_format"]] - band * count,
            "max_pixels": layout.MAX_PIXELS[input["output_format"]],
        }
        width = input.get("width") or layout.first_width(sizes, **most, **room)
        return layout.of_width(sizes, width=width, band=band, **room)
    across = layout.columns(input["layout"], count, input.get("columns"))
    if input["fit"] == "none":
        return layout.of_own([(width, height + band) for width, height in sizes], across, **room)
    if size := _pixels(input.get("size")):
        return layout.of_size(count, across, size=size, **room)
    if cell := _pixels(input.get("cell")):
        return layout.of_cells(count, across, cell=cell, **room)
    width, height = layout.first_cell(sizes[0], count, across, **room)
    return layout.of_cells(count, across, cell=(width, height + band), **room)


def _ground(background: str, plan: Plan, first: Picture) -> Canvas:
    if background != "blur":
        return Canvas(plan.width, plan.height, looks.colour(background))
    canvas = Canvas(plan.width, plan.height, [0, 0, 0])
    canvas.spread(looks.blurred(first.scaled(looks.BLUR_SIDE, looks.BLUR_SIDE, "contain"), plan.width, plan.height))
    return canvas


def _draw_all(job: Job, canvas: Canvas, plan: Plan, pictures: Sequence[Picture], captions: Captions, band: int) -> None:
    def draw(place: int) -> None:
        room, words = layout.parted(plan.boxes[place], band, above=captions.position == "above")
        if band and (caption := captions.beside(place, words.width, words.height)):
            canvas.draw(caption, words.left, words.top)
        _draw(job.input, canvas, room, pictures[place], captions, place)

    with ThreadPoolExecutor(_at_once(pictures)) as pool:
        for done, _ in enumerate(pool.map(draw, range(len(pictures))), 1):
            job.progress(done / (len(pictures) + 1))


def _draw(input: Mapping[str, Any], canvas: Canvas, box: Box, picture: Picture, captions: Captions, place: int) -> None:
    """A picture in its box: scaled, on its own blurred ground where that is wanted, with its caption, its corners rounded."""
    across, down = parts(input["gravity"])
    if input["fit"] == "none":
        cell = picture.scaled(*picture.size, "contain")
    else:
        cell = picture.scaled(box.width, box.height, input["fit"], gravity=input["gravity"])
    if input["background"] == "blur" and input["fit"] == "contain" and (cell.width, cell.height) != (box.width, box.height):
        ground = Canvas(box.width, box.height, [0, 0, 0])
        ground.spread(looks.blurred(cell, box.width, box.height))
        ground.draw(cell, round((box.width - cell.width) * across), round((box.height - cell.height) * down))
        cell = ground.image()
    cell = looks.rounded(captions.over(place, cell), input["corner_radius"])
    canvas.draw(cell, box.left + round((box.width - cell.width) * across), box.top + round((box.height - cell.height) * down))


def _at_once(pictures: Sequence[Picture]) -> int:
    largest = max(width * height for width, height in (picture.size for picture in pictures))
    return max(1, min(len(pictures), CORES, PIXELS_AT_ONCE // largest))


def _written(job: Job, whole: pyvips.Image) -> tuple[str, str]:
    output_format, quality = job.input["output_format"], job.input.get("quality", DEFAULT_QUALITY)
    if "max_bytes" in job.input:
        name, content_type = save.named("0", output_format)
        most = job.input["max_bytes"]
        (job.out / name).write_bytes(weigh.within(whole, output_format=output_format, quality=quality, max_bytes=most))
        return name, content_type
    return save.picture(whole, job.out, "0", output_format=output_format, quality=quality)


def _pixels(size: str | None) -> tuple[int, int] | None:
    if size is None:
        return None
    width, height = size.split("x")
    return int(width), int(height)
