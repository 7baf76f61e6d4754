"""Two runs side by side: what the second one does better or worse."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SHOWN = {"P50": "p50_ms", "P90": "p90_ms", "P99": "p99_ms", "P99.9": "p999_ms", "longest": "max_ms"}
ALIKE = ("loop", "rate", "clients", "seconds", "ramp_s", "mix", "model")


@dataclass(frozen=True)
class Line:
    """`ratio`: b to a, None where a is nothing."""

    what: str
    a: str
    b: str
    ratio: float | None


def lines(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Line]:
    """All requests first, then each call that both runs have."""
    both = [name for name in a["calls"] if name in b["calls"]]
    found = [_line("answers a second", a["per_second"], b["per_second"], "{:,.0f}"), _line("errors", _errors(a), _errors(b), "{:,.0f}")]
    found += _times("all", a["all"], b["all"])
    for name in both:
        found += _times(name, a["calls"][name], b["calls"][name])
    return found


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """What the runs do not have in common, a sentence each: where there is any, they compare two things at once."""
    facts = [{"loop": run["loop"], **run["plan"]} for run in (a, b)]
    return [f"{name}: {facts[0].get(name)} and {facts[1].get(name)}" for name in ALIKE if facts[0].get(name) != facts[1].get(name)]


def _times(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Line]:
    for word, field in SHOWN.items():
        yield _line(f"{name}, {word}", a[field], b[field], "{:,.1f} ms")


def _line(what: str, a: float, b: float, form: str) -> Line:
    return Line(what, form.format(a), form.format(b), b / a if a else None)


def _errors(run: Mapping[str, Any]) -> int:
    return sum(run["all"]["errors"].values())
