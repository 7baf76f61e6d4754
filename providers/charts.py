"""Charts as SVG that the server draws: no script, no foreign host, and the colours of the page, dark or light.

Each bar says its numbers when it is pointed at, and the whole chart says what it shows to who cannot see it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of `parts`, which lie upon each other in their order: kind (a class of admin.css) → amount."""

    label: str
    title: str
    parts: Mapping[str, float]

    @property
    def whole(self) -> float:
        return sum(self.parts.values())


def columns(bars: Sequence[Bar], *, describes: str, legend: Mapping[str, str] | None = None) -> SafeString:
    """`legend`: kind → its name, for the colours that need one."""
    top = max((bar.whole for bar in bars), default=0)
    drawn = [{"title": bar.title, "x": place, "parts": _parts(bar, top)} for place, bar in enumerate(bars)]
    labels = [bars[0].label, bars[len(bars) // 2].label, bars[-1].label] if bars else []
    facts = {"bars": drawn, "width": len(bars), "height": HEIGHT, "labels": labels, "top": f"{top:,}"}
    return render_to_string("providers/columns.html", facts | {"describes": describes, "legend": legend or {}})


def meter(value: int, most: int | None) -> SafeString | str:
    """How much of something is used up; nothing where it has no end."""
    if most is None:
        return ""
    full = 100 if not most else min(100 * value / most, 100)
    return render_to_string("providers/meter.html", {"full": f"{full:.1f}", "is_full": value >= most})


def _parts(bar: Bar, top: float) -> list[dict]:
    parts, below = [], 0.0
    for kind, amount in bar.parts.items():
        if amount:
            height = HEIGHT * amount / top
            below += height
            parts.append({"kind": kind, "y": f"{HEIGHT - below:.2f}", "height": f"{height:.2f}"})
    return parts
