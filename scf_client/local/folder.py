"""What outlives the runtime: orders/<token>.json until the run is over, then results/<token>.json and out/<token>/…

work/<token>/ is scratch. A result is written last and appears whole: where there is one, its outputs are there, and so they are
after a power cut.
"""

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from ..functions.common import durable

log = logging.getLogger(__name__)

KEEP_S = 2 * 24 * 3600


class Taken(Exception):
    """Another runtime has this root folder; the message says which process, and what to do."""


class Folder:
    """The files below `root`; tokens come checked, since they become names."""

    def __init__(self, root: Path):
        self._root = root
        self._lock: IO[str] | None = None
        self._orders, self._results, self._out, self._work = (root / name for name in ("orders", "results", "out", "work"))

    def hold(self) -> None:
        """Take the root for as long as this process lives; raises Taken where another has it. To be called before all else."""
        self._root.mkdir(parents=True, exist_ok=True)
        lock = (self._root / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = f"the runtime with process id {lock.read().strip() or 'unknown'}"
            raise Taken(f"{self._root} is in use by {holder}: stop that one, or choose another --root.") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        self._lock = lock  # the kernel gives the root free when this process ends, in whatever way

    def prepare(self, *, now: float) -> None:
        """At start: make the folders, remove what is older than two days and what a killed runtime left half done."""
        shutil.rmtree(self._work, ignore_errors=True)
        for folder in (self._orders, self._results, self._out, self._work):
            folder.mkdir(parents=True, exist_ok=True)
        durable.keep(self._root)
        self.remove_old(now=now)

    def remove_old(self, *, now: float) -> None:
        """Remove what is older than two days."""
        # Results before outputs: outputs without a result are harmless, the reverse is not.
        for folder in (self._orders, self._results, self._out):
            for path in list(folder.iterdir()):
                with suppress(FileNotFoundError):  # a run may have ended meanwhile
                    if path.stat().st_mtime < now - KEEP_S:
                        _remove(path)

    def accept(self, token: str, order: Mapping[str, Any]) -> None:
        """Keep an order until its run is over, whatever happens to the runtime; raises OSError where it cannot be written."""
        self._write(self._orders / f"{token}.json", order)

    def unfinished(self) -> list[dict[str, Any]]:
        """The orders whose runs a runtime that ended took along, oldest first; one that cannot be read is left out, and stays.

        `resumed` counts how often that happened in the middle of the run: one that only waited is not to blame.
        """
        paths = sorted(self._orders.iterdir(), key=lambda path: path.stat().st_mtime)
        kept = [(path, _read(path)) for path in paths if self.state(path.stem) is None]
        return [self._counted(path, order) for path, order in kept if order is not None]

    def begin(self, token: str) -> tuple[Path, Path]:
        """Empty folders for a run's outputs and its scratch files."""
        out, work = self._out / token, self._work / token
        for folder in (out, work):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        return out, work

    def end(self, token: str, state: dict[str, Any]) -> None:
        """Write the final state of a run, and drop its scratch files; raises OSError where it cannot be written."""
        durable.keep(self._out)  # the function has kept what lies in out/<token>
        self._write(self._results / f"{token}.json", state)
        (self._orders / f"{token}.json").unlink(missing_ok=True)
        shutil.rmtree(self._work / token, ignore_errors=True)

    def state(self, token: str) -> dict[str, Any] | None:
        """The final state of a run, None where it has not ended."""
        return _read(self._results / f"{token}.json")

    def progress(self, token: str) -> float:
        """How far a run says it has come, 0 to 1."""
        with suppress(OSError, ValueError):
            return float((self._work / token / "progress").read_text(encoding="utf-8"))
        return 0.0

    def _counted(self, path: Path, order: dict[str, Any]) -> dict[str, Any]:
        out = self._out / path.stem
        if not out.exists():  # its run had not begun
            return order
        order = {**order, "resumed": order.get("resumed", 0) + 1}
        with suppress(OSError):  # a full disk must not keep the runtime from starting
            self._write(path, order)
            shutil.rmtree(out)
        return order

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        """The whole of it or nothing, for good when this returns."""
        fresh = self._work / f"{path.parent.name}-{path.name}"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(value, file)  # escaped: an input that the function will refuse may hold half a surrogate pair
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
        durable.keep(path.parent)


def _read(path: Path) -> dict[str, Any] | None:
    """None where there is no such file, or none that makes sense: a damaged one must not take the others along."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        log.error("%s/%s is damaged", path.parent.name, path.name)
        return None
    return value


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    log.info("removed %s: older than two days", path.name)
