"""A verdict on one part: how it is, by which figure, and what to do."""

from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any, Literal

Level = Literal["ok", "warn", "fail"]
LEVELS: tuple[Level, ...] = ("ok", "warn", "fail")  # their place is the command's exit code


@dataclass(frozen=True, slots=True)
class Verdict:
    """`check` is also the heading of docs/operations.md that says more; `remedy` is empty where all is well."""

    check: str
    level: Level
    figure: str
    remedy: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def ok(check: str, figure: str) -> Verdict:
    return Verdict(check, "ok", figure)


def warn(check: str, figure: str, remedy: str) -> Verdict:
    return Verdict(check, "warn", figure, remedy)


def fail(check: str, figure: str, remedy: str) -> Verdict:
    return Verdict(check, "fail", figure, remedy)


def by_limits(check: str, value: float, figure: str, remedy: str, *, warn_above: float, fail_above: float) -> Verdict:
    """The verdict on a figure of which less is better."""
    if value <= warn_above:
        return ok(check, figure)
    return Verdict(check, "fail" if value > fail_above else "warn", figure, remedy)


def worst(verdicts: list[Verdict]) -> int:
    """The exit code: 0 all is well, 1 something should be looked at, 2 something does not work."""
    return max((LEVELS.index(verdict.level) for verdict in verdicts), default=0)


def line(text: object) -> str:
    """What a fault says, on one line."""
    return " ".join(str(text).split())[:160]


def ms_since(began: float) -> float:
    return (perf_counter() - began) * 1000
