"""What `manage.py top` shows, in 80 columns and more: who runs, what comes in, what waits where, and whom we ask."""

from collections import Counter
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..engine import lanes
from ..figures import Figures
from .readings import Flow, Reading, cpu, flow

MB = 1_000_000
LATE_S = 10.0
STEPS = ("submit", "poll", "store", "notify", "upkeep")


def frame(before: Reading, after: Reading, *, clock: str) -> RenderableType:
    return Group(
        Text(f"Darkroom  {clock}", style="bold"),
        _requests(flow(before, after)),
        Text(),
        _processes(after, cpu(before, after)),
        Text(),
        *(_standing(after.figures) if after.figures else [_alarm("The database does not answer: manage.py doctor says more.")]),
    )


def _requests(found: Flow | None) -> Text:
    if found is None:
        return _alarm("web     does not answer at WEB_BIND, or not to METRICS_TOKEN")
    times = f"P50 {_within(found.p50)}  P99 {_within(found.p99)}"
    line = Text(f"web     {found.per_s:.1f} requests/s  {times}  ")
    return line.append(f"{found.failed_per_s:.1f} failed/s", style="red" if found.failed_per_s else "")


def _processes(reading: Reading, shares: dict[int, float]) -> Table:
    table = _table("process", ">pid", ">memory", ">CPU", ">age")
    for one in reading.processes:
        table.add_row(one.kind, str(one.pid), f"{one.memory / MB:.0f} MB", f"{shares[one.pid]:.0%}", _span(one.age_s))
    total = sum(one.memory for one in reading.processes)
    table.add_row("together", str(len(reading.processes)), f"{total / MB:.0f} MB", f"{sum(shares.values()):.0%}", "", style="bold")
    return table


def _standing(figures: Figures) -> Iterator[RenderableType]:
    yield Text("tasks   " + "  ".join(f"{status} {count:,}" for status, count in figures.tasks.items()))
    yield Text("tell    " + "  ".join(f"{status} {count:,}" for status, count in figures.deliveries.items()))
    yield Text("streams " + _streams(figures))
    yield _line("beat", f"seen {figures.beat_age_s:.0f} s ago" if figures.running("beat") else "", "does not run")
    yield _line("flags", "" if figures.flags else "none", ", ".join(f"{count} {reason}" for reason, count in figures.flags.items()))
    yield Text()
    yield _steps(figures)
    yield Text()
    yield _providers(figures)


def _streams(figures: Figures) -> str:
    """Those that each stream tier had open when it last reported."""
    open = Counter[str]()
    for process in figures.running("stream"):
        open.update({labels["kind"]: int(value) for _, name, labels, value in process.samples if name == "darkroom_streams"})
    return "  ".join(f"{kind} {count:,}" for kind, count in sorted(open.items())) or "none"


def _steps(figures: Figures) -> Table:
    """Upkeep has no rows of its own that could be late."""
    table = _table("step", ">workers", ">lag", "in")
    for queue in STEPS:
        workers = sum(queue in one.queues for one in figures.running("worker"))
        longest = max((lag for lag in figures.lags if lag.step == queue), key=lambda lag: lag.seconds, default=None)
        late = longest is not None and longest.seconds > LATE_S
        lag = Text(_span(longest.seconds) if longest else "", style="red" if late else "")
        lane = lanes.working(longest.lane) if longest and late else ""
        table.add_row(queue, Text(str(workers), style="" if workers else "red"), lag, lane)
    return table


def _providers(figures: Figures) -> Table:
    table = _table("provider", "health", ">jobs", ">slots", "says")
    slots = {one.provider: one for one in figures.slots}
    for one in figures.providers:
        jobs = slots.get(one.name)
        health = Text("off") if not one.is_enabled else Text("ok", style="green") if one.is_healthy else Text("fails", style="red")
        cap = "" if jobs is None or jobs.cap is None else str(jobs.cap)
        table.add_row(one.name, health, str(jobs.open if jobs else 0), cap, one.health_note)
    return table


def _table(*columns: str) -> Table:
    """`>` before a column's name: to the right. Where it is narrow, the last column takes more lines."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", no_wrap=name != columns[-1])
    return table


def _line(name: str, well: str, ill: str) -> Text:
    return Text(f"{name:<8}").append(well or ill, style="" if well else "red")


def _alarm(text: str) -> Text:
    return Text(text, style="red")


def _within(bound: float | None) -> str:
    """A bucket's bound says no more than that."""
    if bound is None:
        return "–"
    return "> 30 s" if bound == float("inf") else f"≤ {bound * 1000:.0f} ms"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
