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


def make(job: Job) -> list[Output]:
    """One picture as the schema describes it; an input that cannot be read is Invalid and named."""
    pictures = [Picture(media.opened(value, f"images[{place}]", ("picture",))) for place, value in enumerate(job.input["images"])]
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
    """The background with every picture in its box: drawn in place, so that no more than one of them is in memory beside it."""
    ground = _ground(job.input["background"])
    whole = pyvips.Image.black(plan.width, plan.height, bands=1).new_from_image(ground).copy(interpretation="srgb")
    with whole.mutate() as canvas:
        for place, (picture, box) in enumerate(zip(pictures, plan.boxes, strict=True)):
            cell = picture.whole() if job.input["fit"] == "none" else picture.fitted(box.width, box.height, job.input["fit"])
            left, top = box.left + (box.width - cell.width) // 2, box.top + (box.height - cell.height) // 2
            canvas.draw_image(_on_ground(cell, ground), left, top)
            job.progress((place + 1) / (len(pictures) + 1))
    return canvas.image


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
