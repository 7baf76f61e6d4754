"""Pictures in, one picture out. Each is decoded, scaled and finished before the next one is opened."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyvips

from ..common import media, save
from ..common.job import Job, Output
from ..common.pictures import Picture
from . import layout
from .layout import Plan

DEFAULT_QUALITY = 85
PICTURES: tuple[media.Type, ...] = ("picture",)


def make(job: Job) -> list[Output]:
    """One picture as the schema describes it; an input that cannot be read is Invalid and named."""
    pictures = [Picture(media.opened(value, f"images[{place}]", PICTURES)) for place, value in enumerate(job.input["images"])]
    plan = _planned(job.input, pictures)
    whole = _on_background(_joined(job, pictures, plan), job.input["background"])
    options = {"output_format": job.input["output_format"], "quality": job.input.get("quality", DEFAULT_QUALITY)}
    name, content_type = save.picture(whole, job.out, "0", **options)
    return [Output(name, content_type, plan.width, plan.height)]


def _planned(input: Mapping[str, Any], pictures: Sequence[Picture]) -> Plan:
    count, gap = len(pictures), input["gap"]
    across = layout.columns(input["layout"], count, input.get("columns"))
    sizes = [picture.size for picture in pictures]  # every header is read before any picture is decoded
    if input["fit"] == "none":
        return layout.of_own(sizes, across, gap=gap)
    if "size" in input:
        return layout.of_size(count, across, size=_pixels(input["size"]), gap=gap)
    cell = _pixels(input["cell"]) if "cell" in input else layout.first_cell(sizes[0], count, across, gap)
    return layout.of_cells(count, across, cell=cell, gap=gap)


def _joined(job: Job, pictures: Sequence[Picture], plan: Plan) -> pyvips.Image:
    """RGBA with every picture in its box, transparent elsewhere."""
    canvas = pyvips.Image.black(plan.width, plan.height, bands=4).copy(interpretation="srgb")
    for place, (picture, box) in enumerate(zip(pictures, plan.boxes, strict=True)):
        cell = picture.whole() if job.input["fit"] == "none" else picture.fitted(box.width, box.height, job.input["fit"])
        canvas = canvas.insert(cell, box.left + (box.width - cell.width) // 2, box.top + (box.height - cell.height) // 2)
        job.progress((place + 1) / (len(pictures) + 1))
    return canvas


def _on_background(canvas: pyvips.Image, background: str) -> pyvips.Image:
    if background == "transparent":
        return canvas
    digits = background.removeprefix("#")
    *colour, opacity = bytes.fromhex(digits.ljust(8, "f"))
    if opacity == 255:
        return canvas.flatten(background=colour)
    under = canvas.new_from_image([*colour, opacity]).copy(interpretation="srgb")
    return under.composite(canvas, "over").cast("uchar")


def _pixels(size: str) -> tuple[int, int]:
    width, height = size.split("x")
    return int(width), int(height)
