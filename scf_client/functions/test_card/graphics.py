"""The drawn part of a test card, as SVG: grid, corners, circle with its ticks, bars. All sizes follow from the picture's."""

from dataclasses import dataclass
from math import cos, pi, sin

BARS = ("#f7f7f5", "#f6d860", "#4fd1e8", "#5ee08a", "#e86fd6", "#f2545b", "#4a6cf7", "#0d0d14")
GREYS = tuple(f"#{grey:02x}{grey:02x}{grey:02x}" for grey in range(0, 256, 255 // 7))


@dataclass(frozen=True)
class Layout:
    """A picture's width and height in pixels, and the measures that follow from them."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """A hundredth of the shorter side."""
        return min(self.width, self.height) / 100

    @property
    def radius(self) -> float:
        return 38 * self.unit

    @property
    def margin(self) -> float:
        return 5 * self.unit

    def on_circle(self, part: float) -> tuple[float, float]:
        """The point that lies `part` of a turn (0–1) clockwise from the top of the circle."""
        angle = 2 * pi * part
        return self.width / 2 + self.radius * sin(angle), self.height / 2 - self.radius * cos(angle)


def card(layout: Layout) -> bytes:
    """The SVG of everything but pattern and words."""
    parts = (_shade(layout), _grid(layout), _corners(layout), _circle(layout), _bars(layout))
    return _svg(layout.width, layout.height, "".join(parts))


def dot(layout: Layout) -> bytes:
    """The SVG of the dot that travels round the circle: a square picture."""
    side = max(6, round(5 * layout.unit))
    radius = side / 2
    return _svg(side, side, _disc(radius, radius, radius * 0.95, 0.22) + _disc(radius, radius, radius * 0.42, 1))


def _svg(width: int, height: int, inside: str) -> bytes:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">{inside}</svg>'.encode()


def _shade(layout: Layout) -> str:
    """Dark behind the words, so that white ones can be read on any pattern."""
    stops = '<stop offset="0" stop-color="#05060f" stop-opacity=".46"/><stop offset=".92" stop-color="#05060f" stop-opacity=".30"/>'
    gradient = f'<radialGradient id="shade">{stops}<stop offset="1" stop-color="#05060f" stop-opacity=".26"/></radialGradient>'
    disc = f'<circle cx="{layout.width / 2}" cy="{layout.height / 2}" r="{layout.radius}" fill="url(#shade)"/>'
    return f'<defs>{gradient}</defs><rect width="100%" height="100%" fill="#05060f" opacity=".10"/>{disc}'


def _grid(layout: Layout) -> str:
    """Square cells around the centre, hair lines."""
    step, lines = 10 * layout.unit, []
    for away in range(-(int(layout.width / step) // 2 + 1), int(layout.width / step) // 2 + 2):
        across = layout.width / 2 + away * step
        lines.append(f"M{across:.2f} 0V{layout.height}")
    for away in range(-(int(layout.height / step) // 2 + 1), int(layout.height / step) // 2 + 2):
        down = layout.height / 2 + away * step
        lines.append(f"M0 {down:.2f}H{layout.width}")
    return _stroke("".join(lines), max(0.5, 0.12 * layout.unit), 0.13)


def _corners(layout: Layout) -> str:
    """An angle in each corner: what a cropped or a stretched picture loses first."""
    margin, arm = layout.margin, 6 * layout.unit
    right, bottom = layout.width - margin, layout.height - margin
    lines = [
        f"M{across} {down + arm * toward_y}V{down}H{across + arm * toward_x}"
        for across, toward_x in ((margin, 1), (right, -1))
        for down, toward_y in ((margin, 1), (bottom, -1))
    ]
    return _stroke("".join(lines), max(1, 0.45 * layout.unit), 0.95)


def _circle(layout: Layout) -> str:
    centre = f'cx="{layout.width / 2}" cy="{layout.height / 2}" fill="none" stroke="#fff"'
    rings = (
        f'<circle {centre} r="{layout.radius}" stroke-width="{max(1, 0.5 * layout.unit)}" stroke-opacity=".9"/>'
        f'<circle {centre} r="{layout.radius - 3.2 * layout.unit}" stroke-width="{max(0.5, 0.14 * layout.unit)}" stroke-opacity=".4"/>'
    )
    return rings + _ticks(layout)


def _ticks(layout: Layout) -> str:
    """Sixty ticks inside the circle, every fifth a long one."""
    lines = []
    for tick in range(60):
        x, y = layout.on_circle(tick / 60)
        inward = 0.055 if tick % 5 == 0 else 0.028
        to_x, to_y = x + (layout.width / 2 - x) * inward, y + (layout.height / 2 - y) * inward
        lines.append(f"M{x:.2f} {y:.2f}L{to_x:.2f} {to_y:.2f}")
    return _stroke("".join(lines), max(0.6, 0.25 * layout.unit), 0.75)


def _bars(layout: Layout) -> str:
    """Colours and greys at the lower left, in one strip of two rows."""
    cell, left = 2.6 * layout.unit, layout.margin + 3 * layout.unit
    top = layout.height - left - cell * 1.5
    boxes = [
        f'<rect x="{left + place * cell:.2f}" y="{top + row * cell * 0.75:.2f}" '
        f'width="{cell + 0.3:.2f}" height="{cell * 0.75:.2f}" fill="{colour}"/>'
        for row, colours in enumerate((BARS, GREYS))
        for place, colour in enumerate(colours)
    ]
    frame = f'<rect x="{left:.2f}" y="{top:.2f}" width="{cell * 8:.2f}" height="{cell * 1.5:.2f}" rx="{0.7 * layout.unit:.2f}"/>'
    return f'<clipPath id="strip">{frame}</clipPath><g clip-path="url(#strip)">{"".join(boxes)}</g>'


def _stroke(path: str, width: float, opacity: float) -> str:
    return f'<path d="{path}" fill="none" stroke="#fff" stroke-width="{width:.2f}" stroke-opacity="{opacity}"/>'


def _disc(x: float, y: float, radius: float, opacity: float) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius:.2f}" fill="#fff" fill-opacity="{opacity}"/>'
