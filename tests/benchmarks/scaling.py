"""How throughput grows with worker processes: python -m tests.benchmarks.scaling

Prints the table and writes it, with its plot, into docs/scaling.md. No part of `make bench`: on a machine of few cores it shows where the
cores end, and what a task costs each side, which is what the plan of that page rests on.
"""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from tasks_app.management.loadtest import chart

from . import darkroom
from .ground import ROOT, Ground, ground, wait_for
from .processes import cpu_s, family

PROCESSES = (1, 2, 4)
TASKS, WARM = 1000, 100
PAGE, PLOT = ROOT / "docs/scaling.md", ROOT / "docs/performance/scaling.svg"
BEGIN, END = "<!-- written by python -m tests.benchmarks.scaling -->", "<!-- until here -->"


@dataclass(frozen=True)
class Measured:
    """`cores`: how many the workers, MariaDB and the upstream kept busy together. CPU is in seconds for 1,000 tasks."""

    processes: int
    per_second: float
    worker_cpu_s: float
    mariadb_cpu_s: float
    cores: float


def main() -> None:
    with ground() as servers:
        darkroom.prepare(servers)
        darkroom.model(servers, "plasma")
        (owner,) = darkroom.customers(1)
        found = []
        for processes in PROCESSES:
            print(f"{processes} worker processes …", file=sys.stderr, flush=True)
            found.append(measured(servers, owner, processes))
    text = table(found)
    print(text)
    write(text, found)


def measured(ground: Ground, owner: darkroom.Customer, processes: int) -> Measured:
    darkroom.forget_tasks()
    with darkroom.upstream(ground, "plasma", "--instant") as upstream, ExitStack() as stack:
        darkroom.waiting_tasks(owner, TASKS)
        workers = [stack.enter_context(darkroom.worker()) for _ in range(processes)]
        wait_for(lambda: darkroom.count("succeeded") >= WARM, within=120, what=f"the first {WARM} tasks")
        done = darkroom.count("succeeded")
        sides = [[pid for worker in workers for pid in family(worker.pid)], [ground.mariadb.pid], [upstream.pid]]
        before = [cpu_s(pids) for pids in sides]
        took_s = wait_for(lambda: darkroom.count("succeeded") == TASKS, within=600, what=f"{TASKS} tasks")
        spent = [cpu_s(pids) - had for pids, had in zip(sides, before, strict=True)]
    each = 1000 / (TASKS - done)
    return Measured(processes, (TASKS - done) / took_s, spent[0] * each, spent[1] * each, sum(spent) / took_s)


def table(found: list[Measured]) -> str:
    heads = "| worker processes | tasks a second | of one's | workers' CPU for 1,000 tasks | MariaDB's | cores busy |\n"
    rows = "".join(
        f"| {one.processes} | {one.per_second:,.0f} | {one.per_second / found[0].per_second:.2f} × | {one.worker_cpu_s:.1f} s "
        f"| {one.mariadb_cpu_s:.1f} s | {one.cores:.1f} of {os.cpu_count()} |\n"
        for one in found
    )
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, load average of the machine at its end {os.getloadavg()[0]:.0f}"
    return f"{heads}| --- | --- | --- | --- | --- | --- |\n{rows}\nMeasured {when}.\n"


def write(text: str, found: list[Measured]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(
        f"{head}{BEGIN}\n\n{text}\n![tasks a second by worker processes](performance/scaling.svg)\n\n{END}{tail}", encoding="utf-8"
    )
    PLOT.parent.mkdir(exist_ok=True)
    PLOT.write_text(plot(found), encoding="utf-8")


def plot(found: list[Measured]) -> str:
    """Beside what was measured: what the cores of this machine allow, by what a task costs all sides."""
    rates = [(one.processes, one.per_second) for one in found]
    bounds = [(one.processes, one.per_second * os.cpu_count() / one.cores) for one in found]
    high = max(rate for _, rate in rates + bounds) * 1.1
    most = chart.linear("worker processes", PROCESSES[-1])
    return chart.lines("Tasks a second", [("measured", rates), ("all cores busy", bounds)], x=most, y=chart.linear("1/s", high))


if __name__ == "__main__":
    main()
