"""What a process costs: proportional memory and CPU time, read from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Direct children, oldest first."""
    return sorted(int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split())


def family(pid: int) -> list[int]:
    """A process and its direct children."""
    return [pid, *children(pid)]


def pss_mb(pids: Iterable[int]) -> float:
    """Proportional set size in MB, summed: a page that n processes share counts 1/n for each."""
    return sum(_pss_kb(pid) for pid in pids) / 1024


def peak_mb(pid: int) -> float:
    """The most resident memory that a process has had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds so far, user and system, children that have ended included."""
    return sum(_ticks(pid) for pid in pids) / TICKS


def _pss_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _ticks(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0  # recycled just now: its time is in its parent's
    # The fields after the command's closing bracket; utime, stime, cutime, cstime are fields 14 to 17 of proc(5).
    fields = stat.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])
