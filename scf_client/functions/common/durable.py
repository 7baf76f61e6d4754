"""What outlives a power cut: a file's bytes and a folder's names each reach the disk for good only when they are told to."""

import os
from pathlib import Path


def keep(path: Path) -> None:
    """Return when the bytes of a file, or the list of names of a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
