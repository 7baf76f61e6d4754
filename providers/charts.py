"""Bars of the last hours as SVG within a page: no script, no style sheet, and a bar tells its numbers when it is pointed at."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from .breakers import Door
from .rates import Counts

WIDE, GAP, HIGH = 11, 2, 56  # of a bar, between two, of the highest
COLOURS = {"good": "#16a34a", "refused": "#9ca3af", "bad": "#dc2626"}  # from the ground up
LEAST = 2.0  # a single failure among thousands is seen too


def answers(series: Sequence[tuple[datetime, dict[Door, Counts]]], door: Door) -> SafeString:
    """A bar for each hour, as high as its answers are many: good, refused as the client's fault, bad."""
    most = max((counts[door].answers for _, counts in series), default=0)
    if not most:
        return format_html("<p>{}</p>", gettext("None within %(hours)s hours.") % {"hours": len(series)})
    width = len(series) * (WIDE + GAP)
    bars = format_html_join("", "{}", ((_bar(place, hour, counts[door], most),) for place, (hour, counts) in enumerate(series)))
    label = gettext("Answers by the hour, %(most)s at most") % {"most": f"{most:,}"}
    shape = '<svg viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>'
    return format_html(shape, width, HIGH, width, HIGH, label, bars)


def told(counts: Counts) -> str:
    """12 good, 1 refused, 3 bad; 0.42 s in the mean, 3.1 s at most."""
    if not counts.answers:
        return gettext("none")
    kinds = ", ".join(f"{getattr(counts, name):,} {gettext(name)}" for name in COLOURS if getattr(counts, name))
    took = {"kinds": kinds, "mean": f"{counts.took_ms / counts.answers / 1000:.2f}", "most": f"{counts.slowest_ms / 1000:.1f}"}
    return gettext("%(kinds)s; %(mean)s s in the mean, %(most)s s at most") % took


def _bar(place: int, hour: datetime, counts: Counts, most: int) -> SafeString:
    pieces, ground = [], float(HIGH)
    for name, colour in COLOURS.items():
        if count := getattr(counts, name):
            high = max(count / most * HIGH, LEAST)
            ground -= high
            pieces.append((place * (WIDE + GAP), f"{max(ground, 0):.1f}", WIDE, f"{high:.1f}", colour))
    drawn = format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>', pieces)
    return format_html("<g><title>{}: {}</title>{}</g>", f"{hour:%Y-%m-%d %H:00} UTC", told(counts), drawn)
