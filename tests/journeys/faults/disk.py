"""No room to store."""

from contextlib import suppress

from .trouble import NotHere, Scene, trouble


@trouble(tasks=60, over_s=6.0)
def the_disk_is_full_while_results_are_stored(scene: Scene) -> None:
    """Storing waits for room: no task fails, none is bought again, no half file is seen."""
    storage = scene.stage.storage
    if not storage.is_mount():
        raise NotHere("no small file system may be mounted here")
    filler = storage / ".filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65536))
    scene.load.join()
    scene.moment(3.0, 6.0)
    filler.unlink()
