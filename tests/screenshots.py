"""The pictures of our pages in the documents, taken anew: make screenshots.

The tests that look at pages leave a screenshot of each below var/; those in SHOWN are scaled down and kept.
"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

from .looks import SCREENSHOTS

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "docs/pictures"
LOOKS = ("tests/journeys/test_studio.py", "tests/journeys/test_studio_clips.py", "tests/tasks_app/admin/test_looks.py")
SHOWN = {"studio/picks": "studio", "studio/clips-desk-en-light": "studio-clips", "admin/desk-overview": "admin"}
WIDEST = 1100


def main() -> int:
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *LOOKS], cwd=ROOT, check=False)
    for taken, kept in SHOWN.items():
        keep(SCREENSHOTS / f"{taken}.png", KEPT / f"{kept}.webp")
    return done.returncode


def keep(taken: Path, kept: Path) -> None:
    with Image.open(taken) as picture:
        picture.thumbnail((WIDEST, picture.height))
        picture.convert("RGB").save(kept, quality=80, method=6)
    print(f"{kept.relative_to(ROOT)}  {picture.width} × {picture.height}, {kept.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
