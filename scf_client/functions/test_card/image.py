"""A test card as a picture."""

import pyvips

from ..common import save, sizes
from ..common.job import Job, Output
from . import card, pattern, seeds
from .graphics import Layout


def make(job: Job) -> list[Output]:
    """`n` pictures, each with the next seed."""
    layout = Layout(*sizes.of_image(job.input.get("size"), job.input.get("aspect_ratio")))
    outputs = []
    for place in range(job.input["n"]):
        picture = _drawn(layout, job.input["prompt"], seeds.of(job.token, job.input, place), f"{place + 1} / {job.input['n']}")
        name, content_type = save.picture(picture, job.out, str(place), output_format=job.input["output_format"], quality=90)
        outputs.append(Output(name, content_type, layout.width, layout.height))
        job.progress((place + 1) / job.input["n"])
    return outputs


def _drawn(layout: Layout, prompt: str, seed: int, number: str) -> pyvips.Image:
    size = layout.width, layout.height
    over = card.overlay(layout, prompt=prompt, facts=f"seed {seed}", note=f"{layout.width} × {layout.height}", corner=number)
    dot = card.dot(layout)
    left, top = card.dot_place(layout, dot, seed % 60 / 60)
    under = pattern.enlarged(pattern.frames(pattern.lights(seed), size), size)
    return under.composite([over, dot], "over", x=[0, round(left)], y=[0, round(top)]).flatten().cast("uchar")
