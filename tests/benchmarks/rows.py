"""What a benchmark returns: rows of one table."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """`aim` is words beside the measured `ratio` or value; `met` None where nothing was aimed at."""

    what: str
    darkroom: str
    peer: str = ""
    ratio: float | None = None
    aim: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        ratio = f"{self.ratio:.2f} ×" if self.ratio is not None else ""
        verdict = {None: "", True: "met", False: "**missed**"}[self.met]
        return self.what, self.darkroom, self.peer, ratio, self.aim, verdict


HEADS = ("measured", "Darkroom", "peer", "ratio", "aim", "")


@dataclass(frozen=True)
class Result:
    """One benchmark's rows under its title; `text` says what was done and what the rows mean. `plots`: SVGs by name."""

    title: str
    text: str
    rows: list[Row]
    plots: Mapping[str, str] = field(default_factory=dict)


def compared(what: str, ours: float, theirs: float | None, *, unit: str, at_least: float | None = None, digits: int = 0) -> Row:
    """A row of two rates; `at_least` is the aimed ratio of ours to theirs."""
    ratio = ours / theirs if theirs else None
    return Row(
        what,
        f"{ours:,.{digits}f} {unit}",
        f"{theirs:,.{digits}f} {unit}" if theirs is not None else "",
        ratio,
        f"≥ {at_least:g} ×" if at_least else "",
        ratio >= at_least if at_least and ratio is not None else None,
    )
