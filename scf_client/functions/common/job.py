"""What a function is given and what it gives back."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import durable


@dataclass(frozen=True)
class Job:
    """One run: `input` fits the kind's schema, results go into the folder `out`, everything else into `work`."""

    token: str
    input: Mapping[str, Any]
    out: Path
    work: Path

    def progress(self, part: float) -> None:
        """Tell how far the run has come, 0 to 1, where that can be written: no run fails for it."""
        fresh = self.work / "progress.new"
        with suppress(OSError):
            fresh.write_text(f"{min(max(part, 0), 1):.3f}", encoding="utf-8")
            os.replace(fresh, self.work / "progress")


@dataclass(frozen=True)
class Output:
    """A result: a file's name within the job's `out`, and what is known of it (pixels, seconds)."""

    file: str
    content_type: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None


def kept(outputs: Sequence[Output], out: Path) -> list[dict[str, Any]]:
    """The outputs as the envelope carries them; their files outlive a power cut, so a result that names them may be written."""
    described = [_kept(output, out / output.file) for output in outputs]
    durable.keep(out)
    return described


def _kept(output: Output, path: Path) -> dict[str, Any]:
    """One output with the size and SHA-256 of its file."""
    durable.keep(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    known = {name: value for name, value in asdict(output).items() if value is not None}
    return {**known, "bytes": path.stat().st_size, "sha256": digest}


def failed(code: str, message: str, field: str | None = None) -> dict[str, Any]:
    """The envelope of a run that gave nothing."""
    return {"ok": False, "error": {"code": code, "message": message, "field": field}}
