"""Who stitches: our function and two libraries, each a process that is asked again and again, warm as in production.

Each order is the same: nine pictures, the size of a cell, how many across, where to write the JPEG. Sharp and Pillow are used as their
documentation has it, with what it says is fast: Sharp's pool of threads and shrink-on-load, Pillow's draft mode.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.scf_client.function import Function

from ..ground import WORK

HERE = Path(__file__).parent
SHARP = "sharp@0.35.5"
MEMORY_MB = "1024"  # as the local runtime bounds a function


class Ours:
    """The function itself, by HTTP."""

    def __init__(self) -> None:
        folder = WORK / "stitch/function"
        folder.mkdir(parents=True, exist_ok=True)
        self._function = Function("image_stitch", folder, "--memory-mb", MEMORY_MB)
        self.pid = self._function.process.pid

    def stitch(self, order: dict[str, Any]) -> Path:
        images = [{"path": path} for path in order["pictures"]]
        cell = f"{order['width']}x{order['height']}"
        given = {"images": images, "cell": cell, "columns": order["across"], "output_format": "jpeg", "quality": order["quality"]}
        return self._function("image.stitch", given).files[0]

    def end(self) -> None:
        self._function.end()


class Script:
    """A program that reads an order a line, and answers with a line."""

    def __init__(self, *command: str, cwd: Path):
        self._process = subprocess.Popen(command, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.pid = self._process.pid

    def stitch(self, order: dict[str, Any]) -> Path:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"
        return Path(order["out"])

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


Contender = Ours | Script


@contextmanager
def all_there() -> Iterator[dict[str, Contender]]:
    """Those that this machine has; Sharp is fetched from npm where there is one."""
    started: dict[str, Contender] = {"darkroom": Ours()}
    try:
        started["pillow"] = Script(sys.executable, str(HERE / "pillow.py"), cwd=HERE)
        if sharp := _sharp():
            started["sharp"] = Script("node", "sharp.mjs", cwd=sharp)
        yield started
    finally:
        for one in started.values():
            one.end()


def _sharp() -> Path | None:
    folder = WORK / "sharp"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "sharp.mjs", folder)
    if not (folder / "node_modules/sharp").is_dir():
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), SHARP], check=True, capture_output=True)
    return folder if (folder / "node_modules/sharp").is_dir() else None
