"""The table on the terminal, docs/performance.md, and its plots beside it."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from . import peer
from .ground import ROOT, Ground
from .rows import HEADS, Result

PACKAGES = ("Django", "djangorestframework", "celery", "gunicorn", "mysqlclient", "aiohttp")
PAGE, PLOTS = ROOT / "docs/performance.md", ROOT / "docs/performance"
HEAD = """# Performance

Measured by `make bench` in one run on one machine, and written by it. Trust the ratios more than the rates: load generator,
database and both contenders share the machine's cores. The rounds of Darkroom and the peer alternate, so that noise hits both; each
number is the median of the rounds.

The peer is the kind of system that Darkroom succeeds: Express under PM2 with three instances and a mysql2 pool of 20, with
no ORM and no logs, on the same MariaDB and the same Redis. It is no part of this repository; without it
(`var/benchmarks/peer`), only Darkroom is measured.

How to put a load on a server of your own: [load-testing.md](load-testing.md). How the figures grow with processes and servers:
[scaling.md](scaling.md). Where the time of a request goes: [speed.md](speed.md).
"""


def facts(ground: Ground) -> list[tuple[str, str]]:
    """Machine and versions, as (what, value)."""
    with peer.connect(ground) as cursor:
        cursor.execute("SELECT VERSION(), @@innodb_buffer_pool_size DIV 1048576, @@innodb_flush_log_at_trx_commit")
        mariadb, pool_mb, flush = cursor.fetchone()
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return [
        ("measured", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("machine", f"{os.cpu_count()} cores ({_processor()}), {_memory_gb():.0f} GB, {platform.system()} {platform.release()}"),
        ("MariaDB", f"{mariadb}, {pool_mb} MB buffer pool, `innodb_flush_log_at_trx_commit={flush}`"),
        ("Redis", _said("redis-server", "--version").split("v=")[-1].split()[0]),
        ("Python", f"{platform.python_version()}{' of the system' if sys.base_prefix == '/usr' else ''}, {packages}"),
        *([("peer", f"Node {_said('node', '--version')}, Express, PM2 with 3 instances")] if peer.is_there() else []),
        ("load", "wrk, 1 thread, 100 connections, rounds of 8 s"),
    ]


def show(result: Result) -> None:
    print(f"\n{result.title}")
    rows = [HEADS, *(row.cells for row in result.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), flush=True)


def write(results: Sequence[Result], facts: Sequence[tuple[str, str]]) -> None:
    PLOTS.mkdir(exist_ok=True)
    for name, svg in (plot for result in results for plot in result.plots.items()):
        (PLOTS / f"{name}.svg").write_text(svg, encoding="utf-8")
    parts = [HEAD, _table(("", ""), facts), *(_section(result) for result in results)]
    PAGE.write_text("\n".join(parts), encoding="utf-8")
    print(f"\nwritten to {PAGE.relative_to(ROOT)}")


def _section(result: Result) -> str:
    plots = "".join(f"\n![{name.replace('-', ' ')}](performance/{name}.svg)\n" for name in result.plots)
    return f"## {result.title}\n\n{result.text.strip()}\n\n{_table(HEADS, [row.cells for row in result.rows])}{plots}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
