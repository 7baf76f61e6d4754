"""What outlives the runtime: results/<token>.json, out/<token>/…, and work/<token>/, which is gone when the run is over.

A result is written last and appears whole: where there is one, its outputs are there.
"""

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

KEEP_S = 2 * 24 * 3600


class Folder:
    """The files below `root`; tokens come checked, since they become names."""

    def __init__(self, root: Path):
        self._results, self._out, self._work = root / "results", root / "out", root / "work"

    def prepare(self, *, now: float) -> None:
        """At start: make the folders, remove what is older than two days and what a killed runtime left half done."""
        shutil.rmtree(self._work, ignore_errors=True)
        for folder in (self._results, self._out, self._work):
            folder.mkdir(parents=True, exist_ok=True)
        for path in list(self._old(now)):
            _remove(path)

    def begin(self, token: str) -> tuple[Path, Path]:
        """Empty folders for a run's outputs and its scratch files."""
        out, work = self._out / token, self._work / token
        for folder in (out, work):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        return out, work

    def end(self, token: str, state: dict[str, Any]) -> None:
        """Write the final state of a run, and drop its scratch files; raises OSError where it cannot be written."""
        fresh = self._work / f"{token}.json"
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(state, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._results / f"{token}.json")
        shutil.rmtree(self._work / token, ignore_errors=True)

    def state(self, token: str) -> dict[str, Any] | None:
        """The final state of a run, None where it has not ended."""
        try:
            return json.loads((self._results / f"{token}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None

    def progress(self, token: str) -> float:
        """How far a run says it has come, 0 to 1."""
        with suppress(OSError, ValueError):
            return float((self._work / token / "progress").read_text(encoding="utf-8"))
        return 0.0

    def _old(self, now: float) -> Iterator[Path]:
        # Results first: outputs without a result are harmless, the reverse is not.
        for folder in (self._results, self._out):
            yield from (path for path in folder.iterdir() if path.stat().st_mtime < now - KEEP_S)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
    log.info("removed %s: older than two days", path.name)
