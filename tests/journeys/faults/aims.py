"""What was aimed at, beside what was measured, and whether it was met."""

from collections.abc import Callable, Iterator, Sequence

from .fire import USUAL, Verdict
from .receivers import USUAL_S
from .watch import MOVES_WITHIN_S

ADDS_S = 5.0
POST_S = 0.5
REFUSED_S = 1.0


def held_against(verdicts: Sequence[Verdict], asked: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """(aim, measured, met or missed) for each aim that was measured at all."""
    for name, what in (
        ("lost", "accepted tasks lost"),
        ("doubled", "jobs bought twice"),
        ("leaked", "leases, holds, slots and files left over"),
    ):
        count = sum(getattr(verdict.found, name) for verdict in verdicts)
        yield f"{what}: 0", str(count), _said(not count)
    failed = [verdict.trouble.name for verdict in verdicts if not verdict.survived]
    yield "every fire is survived", f"{len(verdicts) - len(failed)} of {len(verdicts)}", _said(not failed)
    yield from _most(verdicts, f"a Redis outage adds < {ADDS_S:g} s to a task", _added_s, ADDS_S, "{:+.1f} s")
    yield from _most(
        verdicts,
        f"an upstream, name server or account in trouble: others' tasks take < {USUAL:g} × the usual time",
        _ratio,
        USUAL,
        "{:.2f} ×",
    )
    yield from _most(
        verdicts, f"bad receivers: another account's are told within {USUAL_S:g} s of an event (P99)", _told_s, USUAL_S, "{:.1f} s"
    )
    yield from _most(verdicts, f"Redis refused or frozen: a post is answered within {POST_S:g} s (P99)", _posted_s, POST_S, "{:.2f} s")
    yield from _most(
        verdicts,
        f"no connection to MariaDB is free: a post is answered 503 within {REFUSED_S:g} s (P99)",
        _refused_s,
        REFUSED_S,
        "{:.2f} s",
    )
    yield from _most(verdicts, f"a dead worker's tasks move within {MOVES_WITHIN_S:g} s", _moved_s, MOVES_WITHIN_S, "{:.1f} s")
    for verdict in verdicts:
        if verdict.trouble.group == "inward":
            yield "URLs that lead inside: no connection", "; ".join(verdict.found.notes), _said(verdict.survived)
    for what, figure in asked:
        yield f"{what}: no 5xx, none otherwise than described", figure, _said(": 0 answered 5xx, 0 otherwise" in figure)


def _most(
    verdicts: Sequence[Verdict], aim: str, of: Callable[[Verdict], float | None], limit: float, how: str
) -> Iterator[tuple[str, str, str]]:
    """The worst of all fires, where one measured it."""
    if found := [(figure, verdict.trouble.name) for verdict in verdicts if (figure := of(verdict)) is not None]:
        most, name = max(found)
        yield aim, f"{how.format(most)} ({name})", _said(most <= limit)


def _added_s(verdict: Verdict) -> float | None:
    return verdict.found.added_s if verdict.found.ratio is not None and verdict.trouble.adds_s is not None else None


def _ratio(verdict: Verdict) -> float | None:
    return verdict.found.ratio if verdict.trouble.adds_s is None else None


def _told_s(verdict: Verdict) -> float | None:
    return verdict.found.told_p99_s if verdict.trouble.group == "receivers" and not verdict.trouble.may_fail else None


def _posted_s(verdict: Verdict) -> float | None:
    return verdict.p99_s if verdict.trouble.group == "redis" else None


def _refused_s(verdict: Verdict) -> float | None:
    return verdict.refused_p99_s if "every connection of" in verdict.trouble.name else None


def _moved_s(verdict: Verdict) -> float | None:
    return max(verdict.moved_s, default=None)


def _said(met: bool) -> str:
    return "met" if met else "**missed**"
