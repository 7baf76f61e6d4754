"""Darkroom and the peer under the same load in alternating rounds, so that the machine's moods hit both."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import sleep
from typing import Any

from .load import Load, Measured, fire, medians
from .processes import cpu_s
from .rows import Row, compared

ROUNDS = 5
WARM_S = 2
REST_S = 0.5


@dataclass(frozen=True)
class Side:
    """One contender: what to ask it, and who answers."""

    load: Load
    server: Any  # darkroom.Web or peer.Peer


def fight(sides: Mapping[str, Side], *, rounds: int = ROUNDS) -> dict[str, Measured]:
    """The median of each side's rounds: A B, B A, A B, …"""
    for side in sides.values():
        fire(side.load, seconds=WARM_S)
    seen: dict[str, list[Measured]] = {name: [] for name in sides}
    for number in range(rounds):
        order = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in order:
            sleep(REST_S)
            seen[name].append(_round(sides[name]))
    return {name: medians(measured) for name, measured in seen.items()}


def _round(side: Side) -> Measured:
    before = cpu_s(side.server.pids)
    requests, measured = fire(side.load)
    return replace(measured, cpu_ms=1000 * (cpu_s(side.server.pids) - before) / max(requests, 1))


def rows(what: str, seen: Mapping[str, Measured], *, at_least: float) -> list[Row]:
    ours, theirs = seen["darkroom"], seen.get("peer")

    def both(form: str, name: str) -> tuple[str, str]:
        return form.format(getattr(ours, name)), form.format(getattr(theirs, name)) if theirs else ""

    return [
        compared(what, ours.per_second, theirs and theirs.per_second, unit="/s", at_least=at_least),
        Row("· P50, P99", *(f"{p50}, {p99}" for p50, p99 in zip(both("{:.0f} ms", "p50_ms"), both("{:.0f} ms", "p99_ms"), strict=True))),
        Row("· CPU of the workers, per request", *both("{:.2f} ms", "cpu_ms")),
        Row("· errors", *both("{}", "errors")),
    ]
