"""(g) Nine photographs to a grid, beside Sharp and Pillow."""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import pyvips

from tests.scf_client.likeness import distance

from . import stitchers
from .ground import WORK, Ground
from .processes import cpu_s, peak_mb
from .rows import Result, Row

TITLE = "image.stitch: nine JPEGs of 12 MP to a 3 × 3 grid"
TEXT = """
Each of nine pictures of 4000 × 3000 becomes a cell of 1333 × 1000, the whole a JPEG of quality 85. All contenders are warm processes that
get the same orders in turn, one at a time: our function by HTTP within 1 GB, Sharp {sharp} in Node with a composite of nine parallel
resizes, Pillow in draft mode. CPU is of the whole process, memory its peak.
"""
ROUNDS, SIZE, CELL, ACROSS, QUALITY = 9, (4000, 3000), (1333, 1000), 3, 85
ALIKE = 2.0
MOST_TIME, MOST_MEMORY = 1.0, 1.2


@dataclass(frozen=True)
class Taken:
    """What one picture took, and where it is."""

    seconds: float
    cpu: float
    made: Path


def main(ground: Ground) -> Result:
    folder = WORK / "stitch"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [str(_picture(folder / f"{number}.jpg", number)) for number in range(9)]
    with stitchers.all_there() as contenders:
        _check(_round(contenders, pictures, folder, first=0))  # they are warm now
        rounds = [_round(contenders, pictures, folder, first=number) for number in range(ROUNDS)]
        peaks = {name: peak_mb(contender.pid) for name, contender in contenders.items()}
    times, cpu = (_medians(rounds, what) for what in ("seconds", "cpu"))
    rows = [row for peer in ("sharp", "pillow") if peer in times for row in _rows(peer, times, cpu, peaks)]
    return Result(TITLE, TEXT.format(sharp=stitchers.SHARP.partition("@")[2]), rows)


def _round(contenders: dict[str, stitchers.Contender], pictures: list[str], folder: Path, *, first: int) -> dict[str, Taken]:
    """Each of them once, beginning with another one each time."""
    names = sorted(contenders)
    turned = names[first % len(names) :] + names[: first % len(names)]
    return {name: _taken(contenders[name], _order(pictures, folder / f"{name}.jpg")) for name in turned}


def _taken(contender: stitchers.Contender, order: dict) -> Taken:
    before, begun = cpu_s([contender.pid]), perf_counter()
    made = contender.stitch(order)
    return Taken(perf_counter() - begun, cpu_s([contender.pid]) - before, made)


def _medians(rounds: list[dict[str, Taken]], what: str) -> dict[str, float]:
    return {name: median(getattr(taken[name], what) for taken in rounds) for name in rounds[0]}


def _order(pictures: list[str], out: Path) -> dict:
    return {"pictures": pictures, "out": str(out), "width": CELL[0], "height": CELL[1], "across": ACROSS, "quality": QUALITY}


def _rows(peer: str, times: dict[str, float], cpu: dict[str, float], peaks: dict[str, float]) -> list[Row]:
    return [
        _row(f"beside {peer.capitalize()}: time", times, peer, "{:.2f} s", MOST_TIME),
        _row("· CPU", cpu, peer, "{:.2f} s"),
        _row("· peak of memory", peaks, peer, "{:.0f} MB", MOST_MEMORY),
    ]


def _row(what: str, found: dict[str, float], peer: str, form: str, at_most: float | None = None) -> Row:
    ours, theirs = found["darkroom"], found[peer]
    aim = f"≤ {at_most:.1f} ×" if at_most else ""
    return Row(what, form.format(ours), form.format(theirs), ours / theirs, aim, ours / theirs <= at_most if at_most else None)


def _check(made: dict[str, Taken]) -> None:
    """They have all done the same work."""
    pictures = {name: pyvips.Image.new_from_file(str(taken.made)) for name, taken in made.items()}
    for picture in pictures.values():
        assert (picture.width, picture.height) == (CELL[0] * ACROSS, CELL[1] * 3)
        assert distance(picture, pictures["darkroom"]) < ALIKE


def _picture(path: Path, number: int) -> Path:
    """Clouds with some grain: as much to decode as a photograph of 4 MB."""
    if not path.exists():
        clouds = [pyvips.Image.perlin(*SIZE, cell_size=size, uchar=True, seed=number) for size in (400 + 50 * number, 60 + 9 * number)]
        grain = pyvips.Image.gaussnoise(*SIZE, mean=0, sigma=9, seed=number)
        red, blue = clouds[0] * 0.6 + clouds[1] * 0.4 + grain, clouds[0] * -0.7 + 220 + grain
        green = clouds[1] * 0.5 + clouds[0] * 0.4 + grain
        red.bandjoin([green, blue]).cast("uchar").copy(interpretation="srgb").jpegsave(str(path), Q=88)
    return path
