"""What of ours runs on this machine, and what it costs: read from /proc."""

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
KINDS = {  # words of the command that starts it
    "web": ("gunicorn", "config.wsgi"),
    "stream": ("gunicorn", "config.asgi"),
    "worker": ("celery", "worker"),
    "beat": ("celery", "beat"),
    "functions": ("scf_client.local",),
}


class Running(NamedTuple):
    """A process. `memory` is its proportional share (PSS) where we may read that, else what is resident; `cpu_s` since its start."""

    kind: str
    pid: int
    memory: int
    cpu_s: float
    age_s: float


class _Stat(NamedTuple):
    parent: int
    cpu_s: float
    age_s: float


def running() -> list[Running]:
    """Our processes and all that they started, by kind; those of another installation on this machine are not ours."""
    stats = {pid: stat for pid in map(int, filter(str.isdigit, os.listdir(PROC))) if (stat := _stat(pid))}
    kinds = {pid: kind for pid in stats if (kind := _kind(pid))}
    found = [(kind, pid) for pid in stats if (kind := _inherited(pid, stats, kinds))]
    order = list(KINDS)
    return [Running(kind, pid, _memory(pid), *stats[pid][1:]) for kind, pid in sorted(found, key=lambda one: (order.index(one[0]), one[1]))]


def _kind(pid: int) -> str:
    try:
        if os.readlink(PROC / str(pid) / "cwd") != str(settings.PROCFILE.parent):
            return ""
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""
    return next((kind for kind, marks in KINDS.items() if all(mark in words for mark in marks)), "")


def _inherited(pid: int, stats: dict[int, _Stat], kinds: dict[int, str]) -> str:
    """A process belongs to the nearest of its forebears that has a kind."""
    while pid in stats and pid not in kinds:
        pid = stats[pid].parent
    return kinds.get(pid, "")


def _stat(pid: int) -> _Stat | None:
    """None for one that ended meanwhile."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    # After the command's closing bracket: ppid, utime, stime and starttime are fields 4, 14, 15 and 22 of proc(5).
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / TICKS
    return _Stat(int(fields[1]), (int(fields[11]) + int(fields[12])) / TICKS, age_s)


def _memory(pid: int) -> int:
    with suppress(OSError, StopIteration):
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    with suppress(OSError):
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * PAGE
    return 0
