"""(f) What streaming a gigabyte costs, and by how much memory grows."""

import json
import shutil
import subprocess
import sys

from . import darkroom
from .ground import ROOT, WORK, Ground
from .rows import Result, Row

TITLE = "Storage: 1 GB up and down again"
TEXT = """
One process streams 1 GB into a store and out of it again, in pieces of 64 KB, and measures its own peak of memory; what 20 MB cost it
before is no growth. The bucket is the simulated one, a process of its own on this machine that checks all that COS checks.
"""
MB, MOST_MB = 1024, 20


def main(ground: Ground) -> Result:
    with darkroom.upstream(ground, "cos"):
        return Result(TITLE, TEXT, [row for name in ("disk", "cos") for row in rows(name, ground)])


def rows(name: str, ground: Ground) -> list[Row]:
    folder = WORK / "storage"
    command = (sys.executable, "-m", "tests.tasks_app.storage.memory", name, str(folder), ground.upstream_url, str(MB))
    try:
        found = json.loads(subprocess.check_output(command, cwd=ROOT))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    grown = found["grown_kb"] / 1024
    return [
        Row(f"{name}: up", f"{MB / found['up_s']:,.0f} MB/s"),
        Row(f"{name}: down", f"{MB / found['down_s']:,.0f} MB/s"),
        Row(f"{name}: growth of memory", f"{grown:.1f} MB", aim=f"< {MOST_MB} MB", met=grown < MOST_MB),
    ]
