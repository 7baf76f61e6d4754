"""What a function is given and what it gives back."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """One run: `input` fits the kind's schema, results go into the folder `out`, everything else into `work`."""

    token: str
    input: Mapping[str, Any]
    out: Path
    work: Path

    def progress(self, part: float) -> None:
        """Tell how far the run has come, 0 to 1."""
        fresh = self.work / "progress.new"
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


def described(output: Output, out: Path) -> dict[str, Any]:
    """An output as the envelope carries it, with the size and SHA-256 of its file."""
    path = out / output.file
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    known = {name: value for name, value in asdict(output).items() if value is not None}
    return {**known, "bytes": path.stat().st_size, "sha256": digest}
