"""What streaming costs a process that measures itself: python -m tests.tasks_app.storage.memory disk|cos FOLDER URL MB

Prints {up_s, down_s, grown_kb}: how long so many MB took up and down, and by how much they raised the peak of this process's memory
above that of 20 MB.
"""

import asyncio
import json
import sys
from pathlib import Path
from time import monotonic

from tasks_app.storage.disk import Disk
from tasks_app.storage.store import Store
from tests.upstreams import Cos as Simulator

PIECE = bytes(64 * 1024)
WARM_MB = 20  # enough for parts: what is loaded and kept anyway is no growth


def store_of(name: str, folder: str, url: str) -> Store:
    """A store by its name; `url` is where the simulated bucket is."""
    if name == "disk":
        return Disk(lambda: Path(folder))
    from tasks_app.storage.cos import Cos
    from tasks_app.storage.cos_wire import Bucket, Wire

    bucket = Bucket("darkroom-1250000000", "ap-guangzhou", Simulator.SECRET_ID, Simulator.SECRET_KEY, endpoint=url)
    return Cos(Wire(bucket), lambda: Path(folder))


async def chunks(mb: int):
    for _ in range(mb * 16):
        yield PIECE


def up_and_down(store: Store, mb: int) -> tuple[float, float, int]:
    """(seconds up, seconds down, peak in KB)."""
    began = monotonic()
    asyncio.run(store.put("a", chunks(mb), content_type="video/mp4", limit=mb << 20))
    up_s, began = monotonic() - began, monotonic()
    if sum(map(len, store.open("a"))) != mb << 20:
        raise AssertionError("not what was put")
    return up_s, monotonic() - began, peak_kb()


def peak_kb() -> int:
    """The most that was resident at once. Not ru_maxrss: a child takes its parent's along."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def main(name: str, folder: str, url: str, mb: str) -> None:
    store = store_of(name, folder, url)
    *_, before_kb = up_and_down(store, WARM_MB)
    up_s, down_s, after_kb = up_and_down(store, int(mb))
    store.delete("a")
    print(json.dumps({"up_s": up_s, "down_s": down_s, "grown_kb": after_kb - before_kb}))


if __name__ == "__main__":
    main(*sys.argv[1:])
