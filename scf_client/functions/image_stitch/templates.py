"""Collages by name: a line for each row, a letter for each picture; letters that touch are one cell.

A name ends in how many pictures it takes, and for each number the first one is taken where the client names none.
"""

from dataclasses import dataclass

TEMPLATES = {
    "halves-2": "AB",
    "bands-2": "A/B",
    "thirds-2": "AAB",
    "big-left-3": "AAB/AAC",
    "big-top-3": "AA/AA/BC",
    "pillars-3": "ABC",
    "squares-4": "AB/CD",
    "big-left-4": "AAAB/AAAC/AAAD",
    "big-top-4": "AAA/AAA/BCD",
    "windmill-5": "AAB/DEB/DCC",
    "two-three-5": "AAABBB/CCDDEE",
    "big-corner-6": "AAB/AAC/DEF",
    "bricks-6": "ABB/CCD/EFF",
    "belt-7": "ABC/DDD/EFG",
    "big-corner-7": "AABC/AADE/FFGG",
    "big-corner-8": "AAAB/AAAC/AAAD/EFGH",
    "bricks-8": "AABC/DEEF/GHHH",
    "squares-9": "ABC/DEF/GHI",
    "big-top-9": "BAAC/DAAE/FGHI",
}


@dataclass(frozen=True)
class Area:
    """Which rows and columns of a template a picture covers, each from and up to but without."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Template:
    """How many columns and rows, and an area for each picture in order."""

    across: int
    down: int
    areas: list[Area]


def template(name: str | None, count: int) -> Template:
    """The one of that name, or the first for so many pictures; the schema sees to it that the two agree."""
    name = name or next(known for known in TEMPLATES if known.endswith(f"-{count}"))
    rows = TEMPLATES[name].split("/")
    return Template(len(rows[0]), len(rows), [_area(rows, letter) for letter in sorted(set("".join(rows)))])


def _area(rows: list[str], letter: str) -> Area:
    down = [place for place, row in enumerate(rows) if letter in row]
    across = [place for row in rows for place, found in enumerate(row) if found == letter]
    return Area(min(across), down[0], max(across) + 1, down[-1] + 1)
