"""No room to store."""

import subprocess
from contextlib import suppress

from .trouble import NotHere, Scene, trouble


@trouble(tasks=60, over_s=6.0)
def the_disk_is_full_while_results_are_stored(scene: Scene) -> None:
    """Storing waits for room: no task fails, none is bought again, no half file is seen."""
    storage = scene.stage.storage
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "none", str(storage)]
    storage.mkdir(parents=True, exist_ok=True)
    if any(storage.rglob("*.*")) or subprocess.run(mount, capture_output=True, check=False).returncode:
        raise NotHere("a small file system cannot be mounted here")
    filler = storage / ".filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    scene.load.join()
    scene.moment(3.0, 6.0)
    filler.unlink()
