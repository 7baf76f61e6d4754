"""A line for each fire, the sums in the end, and docs/reliability.md."""

import os
import platform
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from . import aims
from .fire import Verdict
from .stage import ROOT, Stage
from .trouble import Trouble
from .watch import MOVES_WITHIN_S

PAGE, PAGE_OF_CLOUD = ROOT / "docs/reliability.md", ROOT / "docs/reliability-on-scf.md"
SHOWN = 12  # sentences of what is wrong; more of them say the same
TITLE = "# Reliability\n"
TITLE_OF_CLOUD = """# Reliability on SCF and COS

The same troubles as in [reliability.md](reliability.md), and some of the cloud's own, by `FAULTS_IN=cloud make faults`: functions run on a
simulated SCF, and every file lies in a simulated COS, both as strict as the real ones. A fifth of the tasks is drawn by a function; these
count as bought where it has left a result, since a second run of the same task is harmless.
"""
HEAD = """Measured by `make faults` in one run on one machine, and written by it. Real MariaDB (each commit durable), Redis, gunicorn, two
Celery workers and beat as deployed, and simulated upstreams over sockets, 0.05 to 0.4 s away and as long back. Clients post tasks with
idempotency keys, and post again with the same key where the wire broke. Meanwhile something goes wrong, at moments thrown from a seed.
Once it is over, every task must come to its end; then these books are read:

- each task that was answered 201 is there and at its end; no lease, lane, slot or due time is left on it;
- by the upstreams' own books, at most one job was bought for it, in all upstreams together;
- balance = Σ ledger, nothing is held, and each task was settled once;
- its events are an allowed path with one end;
- each output has its file with the right SHA-256, each file its output;
- one task for each key.

*Given up*: a submit's answer was lost and the upstream knows no token to ask by (`submission_outcome_unknown`), or the task's workers
died three times in a row (`quarantined`): the task failed, and its credits came back. Times are those of a machine that is
shared with the load, both servers and all upstreams: median / P95 / longest. Two of the troubles are calms to compare with; *the usual
time* is that of plasma's tasks there, at P95. How to put back a backup: [backups.md](backups.md).
"""
GROUPS = {
    "deaths": "Processes killed, ended, frozen",
    "redis": "Redis",
    "mariadb": "MariaDB",
    "backup": "A backup put back",
    "disk": "Disk",
    "bucket": "A bucket for results",
    "wire": "Upstreams and the wire",
    "receivers": "Webhook receivers",
    "clients": "Clients",
    "deadlines": "Deadlines",
    "inward": "URLs that lead inside",
    "hours": "Clocks, schedules, wake-ups",
    "releases": "Releases",
    "cloud": "The cloud",
}
HEADS = ("what happens", "what must hold", "tasks", "lost", "doubled", "leaked", "given up", "a task took", "verdict")


def tell(verdict: Verdict) -> None:
    """One fire on one line, and what was wrong below it."""
    print(f"{_said(verdict.survived):8}  {verdict.trouble.name}: {'; '.join(_figures(verdict))}", flush=True)
    for sentence in verdict.found.wrong[:SHOWN]:
        print(f"{'':10}{sentence}", flush=True)
    if len(verdict.found.wrong) > SHOWN:
        print(f"{'':10}… and {len(verdict.found.wrong) - SHOWN} more", flush=True)


def sum_up(verdicts: Sequence[Verdict], asked: Sequence[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """What all fires together came to, and what was `asked` besides, as (what, figure); printed too."""
    troubles = {verdict.trouble.name for verdict in verdicts}
    failed = {verdict.trouble.name for verdict in verdicts if not verdict.survived}
    moved = sorted(s for verdict in verdicts for s in verdict.moved_s)
    answered = sorted(s for verdict in verdicts for s in verdict.answered_s)
    sums = [
        ("troubles survived", f"{len(troubles - failed)} of {len(troubles)}"),
        ("fires survived", f"{sum(verdict.survived for verdict in verdicts)} of {len(verdicts)}"),
        ("tasks under fire", f"{sum(verdict.found.tasks for verdict in verdicts):,}"),
        *((name, str(sum(getattr(verdict.found, name) for verdict in verdicts))) for name in ("lost", "doubled", "leaked")),
        ("given up, with their credits back", _counted(sum((verdict.found.given_up for verdict in verdicts), Counter())) or "0"),
        ("posts made again with the same key", f"{sum(verdict.posted_again for verdict in verdicts):,}"),
    ]
    if moved:
        late = sum(s > MOVES_WITHIN_S for s in moved)
        sums.append(
            (
                "the last lease of a worker that ended moved after",
                f"{_spread(moved)}; {late} of {len(moved)} later than {MOVES_WITHIN_S:g} s",
            )
        )
    if answered:
        sums.append(("web and MariaDB killed: a new post was answered after", _spread(answered)))
    for what, figure in (sums := [*sums, *asked]):
        print(f"  {what:52} {figure}", flush=True)
    return sums


def write(
    verdicts: Sequence[Verdict],
    asked: Sequence[tuple[str, str]],
    skipped: Iterable[tuple[Trouble, str]],
    *,
    stage: Stage,
    seed: str,
    rounds: int,
) -> None:
    page, title = (PAGE_OF_CLOUD, TITLE_OF_CLOUD) if stage.sky else (PAGE, TITLE)
    parts = [title, HEAD, _table(("", ""), [*_facts(stage, seed, rounds), *sum_up(verdicts, asked)])]
    parts.append(f"## Aims\n\n{_table(('aim', 'measured', ''), aims.held_against(verdicts, asked))}")
    groups = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        groups[verdict.trouble.group][verdict.trouble.name].append(verdict)
    for group, title in GROUPS.items():
        if groups[group]:
            parts.append(f"## {title}\n\n{_table(HEADS, [_row(fires) for fires in groups[group].values()])}")
    if lines := [f"- {trouble.name}: {reason}" for trouble, reason in skipped]:
        parts.append("## Not tried here\n\n" + "\n".join(lines) + "\n")
    page.write_text("\n".join(parts), encoding="utf-8")
    print(f"written to {page.relative_to(ROOT)}")


def _facts(stage: Stage, seed: str, rounds: int) -> list[tuple[str, str]]:
    return [
        ("measured", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `FAULTS_SEED={seed}`, `FAULTS_ROUNDS={rounds}`"),
        (
            "machine",
            f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, load average {os.getloadavg()[2]:.0f} in the last quarter",
        ),
        ("MariaDB", stage.mariadb.run("SELECT VERSION()").strip()),
    ]


def _row(fires: Sequence[Verdict]) -> tuple[str, ...]:
    """All fires of one trouble as one row."""
    found = [fire.found for fire in fires]
    sums = [str(sum(getattr(one, name) for one in found)) for name in ("tasks", "lost", "doubled", "leaked")]
    given_up = _counted(sum((one.given_up for one in found), Counter()))
    taken = sorted(s for one in found for s in one.took_s)
    wrong = [sentence for one in found for sentence in one.wrong]
    verdict = (
        "; ".join(["survived", *_compared(fires), *(note for one in found for note in one.notes)])
        if not wrong
        else f"**failed**: {wrong[0].replace('|', '/')}"
    )
    trouble = fires[0].trouble
    return (trouble.name, trouble.keeps, *sums, given_up, _spread(taken), verdict)


def _compared(fires: Sequence[Verdict]) -> list[str]:
    """How much longer plasma's tasks took than in the calm, at most."""
    if all(fire.found.ratio is None for fire in fires):
        return []
    if fires[0].trouble.adds_s is not None:
        return [f"{max(fire.found.added_s for fire in fires):+.1f} s"]
    return [f"{max(fire.found.ratio or 0 for fire in fires):.2f} × the usual time"]


def _figures(verdict: Verdict) -> list[str]:
    found = verdict.found
    drained = "never drained" if found.drained_s is None else f"drained in {found.drained_s:.1f} s"
    figures = [
        f"{found.succeeded} of {found.tasks} succeeded",
        f"lasted {verdict.lasted_s:.0f} s, {drained}",
        f"a task took {_spread(found.took_s)}",
    ]
    figures.append(f"p99 of a post {verdict.p99_s:.2f} s, {verdict.posted_again} made again")
    if verdict.refused_p99_s:
        figures.append(f"p99 of a 503 {verdict.refused_p99_s:.2f} s")
    if found.ratio is not None:
        figures.append(f"plasma's tasks took {found.ratio:.2f} times their usual time ({found.added_s:+.1f} s)")
    figures += found.notes
    if verdict.moved_s:
        figures.append(f"leases moved after {_spread(verdict.moved_s)}")
    if verdict.answered_s:
        figures.append(f"answered after {_spread(verdict.answered_s)}")
    return [*figures, *([f"given up: {_counted(found.given_up)}"] if found.given_up else [])]


def _counted(codes: Counter) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(codes.items()))


def _spread(taken: Sequence[float]) -> str:
    """Median, P95 and longest of what is sorted."""
    if not taken:
        return "–"
    return " / ".join(f"{taken[min(int(len(taken) * share), len(taken) - 1)]:.1f}" for share in (0.5, 0.95, 1)) + " s"


def _said(survived: bool) -> str:
    return "survived" if survived else "FAILED"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
