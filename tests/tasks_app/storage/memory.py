"""A store for a process that measures its own memory: by name, its folder, and where the simulated bucket is."""

from pathlib import Path

from tasks_app.storage.disk import Disk
from tasks_app.storage.store import Store
from tests.upstreams import Cos as Simulator


def store_of(name: str, folder: str, url: str) -> Store:
    if name == "disk":
        return Disk(lambda: Path(folder))
    from tasks_app.storage.cos import Cos
    from tasks_app.storage.cos_wire import Bucket, Wire

    bucket = Bucket("darkroom-1250000000", "ap-guangzhou", Simulator.SECRET_ID, Simulator.SECRET_KEY, endpoint=url)
    return Cos(Wire(bucket), lambda: Path(folder))
