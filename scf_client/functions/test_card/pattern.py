"""The moving pattern behind a test card: soft lights of one palette that drift about, decided by the seed alone.

It is so soft that it is drawn small, all frames in one go, and enlarged afterwards.
"""

from dataclasses import dataclass
from math import cos, pi, sin
from random import Random

import pyvips

COARSE = 40  # pixels along the longer side
PALETTES = (
    ("#0b1026", "#2b1a6b", "#7b2ff7", "#f107a3", "#ff8a5c", "#ffd36e"),  # dusk
    ("#04151f", "#0b3d4f", "#0fa3b1", "#5ef0b0", "#7a5cff", "#2b2a8c"),  # aurora
    ("#16060f", "#4a0d2e", "#a3153f", "#f2545b", "#ff9e57", "#3d1a5b"),  # ember
    ("#03122b", "#083b7a", "#0a7cc4", "#18c5c8", "#9af0d0", "#ff7e6b"),  # reef
    ("#0d0a2b", "#2a1e78", "#5b3df0", "#a06bff", "#ff8ad8", "#1d4fd7"),  # violet
    ("#08201c", "#0f4d46", "#2a9d8f", "#8ad6a5", "#e9c46a", "#e76f51"),  # meadow
    ("#0a0f1f", "#1c2b52", "#35569e", "#6d9be0", "#ffb38a", "#d65a7c"),  # dawn
)


@dataclass(frozen=True)
class Light:
    """A light: its colour, where it circles (0–1 of the picture), how wide it shines, how far and fast it sways."""

    colour: list[int]
    home: tuple[float, float]
    reach: float
    sway: float
    phase: float
    turns: float  # per second


def lights(seed: int) -> list[Light]:
    """The lights of a seed: the same for ever, since people compare test cards."""
    dice = Random(seed)
    palette = dice.choice(PALETTES)
    places = dice.sample(range(len(palette)), len(palette))
    return [_light(dice, colour, place / len(palette)) for colour, place in zip(palette, places, strict=True)]


def frames(scene: list[Light], size: tuple[int, int], times: tuple[int, float] = (1, 1)) -> pyvips.Image:
    """`times` = (how many, per second) small frames of the pattern, one below the other, as float RGB in the shape of `size`."""
    scale = COARSE / max(size)
    columns, rows = (max(2, round(side * scale)) for side in size)
    count, rate = times
    place = pyvips.Image.xyz(columns, rows, csize=count)
    across, down = (place[0] + 0.5) / columns, (place[1] + 0.5) / rows
    bent = across + (down * 360).sin() * 0.05  # no edge between two lights is straight
    return _lit(scene, bent, down, place[2] / rate)


def enlarged(small: pyvips.Image, size: tuple[int, int]) -> pyvips.Image:
    """One frame of the pattern as 8-bit RGB of exactly `size`."""
    width, height = size
    big = small.resize(width / small.width, vscale=height / small.height, kernel="cubic")
    # An enlarged image may come out a pixel short where the factors are odd.
    return (big + 0.5).gravity("centre", width, height, extend="copy").cast("uchar").copy(interpretation="srgb")


def _light(dice: Random, colour: str, place: float) -> Light:
    angle, distance = 2 * pi * (place + dice.random() * 0.1), dice.uniform(0.25, 0.6)
    return Light(
        colour=[int(colour[at : at + 2], 16) for at in (1, 3, 5)],
        home=(0.5 + distance * cos(angle), 0.5 + distance * sin(angle)),
        reach=dice.uniform(0.17, 0.28),
        sway=dice.uniform(0.10, 0.26),
        phase=dice.uniform(0, 360),
        turns=dice.uniform(0.06, 0.14) * dice.choice((-1, 1)),
    )


def _lit(scene: list[Light], across: pyvips.Image, down: pyvips.Image, at: pyvips.Image) -> pyvips.Image:
    """The mean of all colours, each weighted by how near its light is."""
    shines = [_shine(light, across, down, at) for light in scene]
    coloured = [shine * light.colour for shine, light in zip(shines, scene, strict=True)]
    return (pyvips.Image.sum(coloured) / pyvips.Image.sum(shines)).cast("float").copy(interpretation="srgb")


def _shine(light: Light, across: pyvips.Image, down: pyvips.Image, at: pyvips.Image) -> pyvips.Image:
    turn = at * (360 * light.turns) + light.phase  # degrees
    away = (across - light.home[0] - turn.cos() * light.sway) ** 2 + (down - light.home[1] - (turn * 1.3).sin() * light.sway) ** 2
    return (away / (-2 * light.reach**2)).exp() + 0.0005
