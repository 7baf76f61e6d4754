"""The workers of one gunicorn count together: in a folder in memory, each in files of its own, and whoever is scraped adds them up.

A worker that is recycled leaves its place, with what was counted there, to the next one: counters never fall, and there are as many
files as workers that ever ran side by side. By process id, as prometheus_client has it, each recycling would leave its files behind.
"""

import fcntl
import os
import shutil
import tempfile
from itertools import count
from pathlib import Path

from prometheus_client import values

MEMORY = Path("/dev/shm")
PREFIX = "darkroom-metrics-"

folder: Path | None = None  # where this gunicorn's workers count; None in every other process
_place: int | None = None  # the lock on our place; the kernel gives it free, however we end


def open_folder() -> None:
    """In gunicorn's first process, before it has workers."""
    global folder
    for left in MEMORY.glob(f"{PREFIX}*-*"):
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():  # its gunicorn was killed
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=MEMORY))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # which the library reads at each new file


def take_place() -> None:
    """In a worker: count where no other one does that runs now."""
    global _place
    if folder is None:
        return
    place = next(number for number in count() if _locked(number))
    values.ValueClass = values.MultiProcessValue(lambda: place)


def close_folder() -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _locked(number: int) -> bool:
    global _place
    lock = os.open(folder / f"{number}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    _place = lock
    return True
