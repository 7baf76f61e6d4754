"""Lines over two axes, as one SVG that stands alone, in a page or beside a text; its colours follow the reader's, light or dark."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

WIDTH, HEIGHT = 480, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 34, 40
STYLE = """
.chart{font:12px system-ui,sans-serif;--ink:#1d2330;--faint:#5d6675;--grid:#d9dee6}
.chart{--0:#0b62c4;--1:#c2410c;--2:#0f7a4d;--3:#8b2fb3;--4:#96690a;--5:#b3194e}
@media(prefers-color-scheme:dark){
.chart{--ink:#e8ebf0;--faint:#a3adbb;--grid:#39414e}
.chart{--0:#6db3ff;--1:#ff9a62;--2:#5fd6a0;--3:#d59bf2;--4:#e5bd5a;--5:#ff86ab}
}
.chart text{fill:var(--faint)}.chart .title{fill:var(--ink);font-weight:600}
.chart .grid{stroke:var(--grid)}.chart polyline{fill:none;stroke-width:1.8;stroke-linejoin:round}
"""
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with (value, words) at each of `ticks`; `place` says where a value lies, low to high being 0 to 1."""

    name: str
    ticks: Sequence[tuple[float, str]]
    place: Callable[[float], float]


def lines(title: str, series: Sequence[tuple[str, Points]], *, x: Axis, y: Axis) -> str:
    """The whole picture; each of `series` is (name, points)."""
    words = "; ".join(name for name, _ in series)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(f'{title}: {words}')}</title><style>{STYLE.strip()}</style>",
        f'<text class="title" x="{LEFT}" y="14">{escape(title)}</text>',
        *_grid(x, y),
        *_legend([name for name, _ in series]),
        *(_line(number, points, x, y) for number, (_, points) in enumerate(series)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def linear(name: str, high: float, *, low: float = 0) -> Axis:
    """Round numbers at about five ticks."""
    high = high if high > low else low + 1
    step = _round_step((high - low) / 5)
    count = int((high - low) / step + 1e-9)
    ticks = [(low + step * number, f"{low + step * number:,g}") for number in range(count + 1)]
    return Axis(name, ticks, lambda value: (value - low) / (high - low))


def decades(name: str, low: float, high: float) -> Axis:
    """Logarithmic, with ticks at whole powers of ten and, where they are few, at 2 and 5 times these."""
    low, high = max(low, 1e-3) / 1.1, max(high, low * 1.5, 2e-3) * 1.1
    powers = [10.0**power for power in range(floor(log10(low)), floor(log10(high)) + 1)]
    ticks = [power * times for power in powers for times in ((1, 2, 5) if len(powers) < 4 else (1,))]
    span = log10(high) - log10(low)
    shown = [(tick, f"{tick:,g}") for tick in ticks if low <= tick <= high]
    return Axis(name, shown, lambda value: (log10(max(value, low)) - log10(low)) / span)


def nines(name: str, highest: float) -> Axis:
    """Percentiles, as far apart as they are rare: 90, 99 and 99.9 at equal steps. `highest` is below 100."""
    shown = [(0, "0"), (50, "50"), (90, "90"), (99, "99"), (99.9, "99.9"), (99.99, "99.99"), (99.999, "99.999")]
    span = log10(100 / (100 - highest))
    return Axis(name, [(tick, f"{word} %") for tick, word in shown if tick <= highest], lambda value: log10(100 / (100 - value)) / span)


def _grid(x: Axis, y: Axis) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<text x="{right}" y="{HEIGHT - 6}" text-anchor="end">{escape(x.name)}</text>']
    parts.append(f'<text x="{right}" y="14" text-anchor="end">{escape(y.name)}</text>')
    for value, words in x.ticks:
        at = _across(x, value)
        parts.append(f'<line class="grid" x1="{at}" y1="{TOP}" x2="{at}" y2="{bottom}"/>')
        parts.append(f'<text x="{at}" y="{bottom + 15}" text-anchor="middle">{escape(words)}</text>')
    for value, words in y.ticks:
        at = _up(y, value)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{at}" x2="{right}" y2="{at}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4}" text-anchor="end">{escape(words)}</text>')
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, at = [], float(LEFT)
    for number, name in enumerate(names):
        parts.append(f'<text x="{at:.0f}" y="29" style="fill:var(--{number % 6})">■ {escape(name)}</text>')
        at += 26 + 6.6 * len(name)
    return parts


def _line(number: int, points: Points, x: Axis, y: Axis) -> str:
    drawn = " ".join(f"{_across(x, one)},{_up(y, other)}" for one, other in points)
    return f'<polyline points="{drawn}" style="stroke:var(--{number % 6})"/>'


def _across(x: Axis, value: float) -> float:
    return round(LEFT + x.place(value) * (WIDTH - LEFT - RIGHT), 1)


def _up(y: Axis, value: float) -> float:
    return round(HEIGHT - BOTTOM - y.place(value) * (HEIGHT - TOP - BOTTOM), 1)


def _round_step(rough: float) -> float:
    power = 10.0 ** floor(log10(rough))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= rough - 1e-12)
