"""Pictures in, one picture out. Each is decoded, scaled and finished before the next one is opened."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyvips

from ..common import media, save
from ..common.job import Job, Output
from ..common.pictures import Picture
from . import layout
from .layout import Box, Plan

DEFAULT_QUALITY = 85
PICTURES: tuple[media.Type, ...] = ("picture",)


def make(job: Job) -> list[Output]:
    """One picture as the schema describes it; an input that cannot be read is Invalid and named."""
    pictures = [Picture(media.opened(value, f"images[{place}]", PICTURES)) for place, value in enumerate(job.input["images"])]
    plan = _planned(job.input, pictures)
    whole = _joined(job, pictures, plan)
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
    """The background with every picture in its box."""
    ground = _ground(job.input["background"])
    # Bytes of our own: libvips copies the whole canvas for each picture that is drawn on it, or keeps all pictures to the end.
    canvas = bytearray(ground) * (plan.width * plan.height)
    for place, (picture, box) in enumerate(zip(pictures, plan.boxes, strict=True)):
        cell = picture.whole() if job.input["fit"] == "none" else picture.fitted(box.width, box.height, job.input["fit"])
        _lay(canvas, plan.width, _on_ground(cell, ground), box)
        job.progress((place + 1) / (len(pictures) + 1))
    whole = pyvips.Image.new_from_memory(canvas, plan.width, plan.height, len(ground), "uchar")
    return whole.copy(interpretation="srgb")


def _lay(canvas: bytearray, width: int, cell: pyvips.Image, box: Box) -> None:
    """Copy a cell's rows into the middle of its box on a canvas that is `width` pixels wide."""
    pixels, row = memoryview(cell.write_to_memory()), cell.width * cell.bands
    left, top = box.left + (box.width - cell.width) // 2, box.top + (box.height - cell.height) // 2
    for down in range(cell.height):
        start = ((top + down) * width + left) * cell.bands
        canvas[start : start + row] = pixels[down * row : (down + 1) * row]


def _ground(background: str) -> list[int]:
    """The background as RGB where nothing shines through it, else as RGBA."""
    if background == "transparent":
        return [0, 0, 0, 0]
    *colour, opacity = bytes.fromhex(background.removeprefix("#").ljust(8, "f"))
    return colour if opacity == 255 else [*colour, opacity]


def _on_ground(cell: pyvips.Image, ground: list[int]) -> pyvips.Image:
    """An RGBA cell as it looks on the background."""
    if len(ground) == 3:
        return cell.flatten(background=ground)
    return cell.new_from_image(ground).copy(interpretation="srgb").composite(cell, "over").cast("uchar")


def _pixels(size: str) -> tuple[int, int]:
    width, height = size.split("x")
    return int(width), int(height)
