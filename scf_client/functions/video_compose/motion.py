"""A camera's way over a picture: from one part of it to another, the same at each frame whatever the machine.

ffmpeg's `zoompan` rounds each frame's part to whole pixels, and the picture trembles. `perspective` samples between them, in steps
of 1/256; the parts' corners go straight and at an even pace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_DETAIL = 2.0  # of the result's size: a picture drawn larger than that costs more time than it shows


@dataclass(frozen=True)
class View:
    """A part of the picture: how many times larger than the whole it is shown, and its middle, in shares of the whole."""

    zoom: float
    x: float
    y: float

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom in shares of the picture, moved inside where they would pass its borders."""
        part = 1 / self.zoom
        left, top = (min(max(middle - part / 2, 0), 1 - part) for middle in (self.x, self.y))
        return left, top, left + part, top + part


@dataclass(frozen=True)
class Motion:
    """From one view to another."""

    begin: View
    end: View

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Motion":
        return cls(View(**given["from"]), View(**given["to"]))

    @property
    def detail(self) -> float:
        """How many times larger than the result the picture must be drawn, so that its nearest view is sharp."""
        return min(max(self.begin.zoom, self.end.zoom), MOST_DETAIL)

    def filter(self, frames: int) -> str:
        """What moves a picture that stands still."""
        left, top, right, bottom = (
            _between(side, begin, end, frames) for side, begin, end in zip("WHWH", self.begin.edges, self.end.edges, strict=True)
        )
        corners = [(left, top), (right, top), (left, bottom), (right, bottom)]
        places = ":".join(f"x{place}='{x}':y{place}='{y}'" for place, (x, y) in enumerate(corners))
        return f"perspective={places}:eval=frame"


def _between(side: str, begin: float, end: float, frames: int) -> str:
    """An expression for a coordinate at each frame; the filter calls the first one 1."""
    return f"{side}*({begin:.6f}+{end - begin:.6f}*(on-1)/{max(frames - 1, 1)})"
