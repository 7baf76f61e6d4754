"""Bytes on their way into a store: a file on this machine that no key leads to, written and hashed piece by piece.

A draft is deleted unless a store publishes it. Those that a killed process left are found by their age (tasks_app/cleanup.py).
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from .errors import TooLarge, Unwritable

T = TypeVar("T")

BATCH = 1024 * 1024  # one trip to a thread for so much: per piece of the network it would cost more than the write
DRAFTS = ".drafts"  # below STORAGE_DIR; no key starts with a dot


class Draft:
    """A new file in `folder`: `fill` it, look at `path`, and let a store keep it; `discard` in the end, always."""

    def __init__(self, folder: Path):
        self.bytes = 0
        self._hash = sha256()
        self.path = folder / secrets.token_hex(16)
        self._file: BinaryIO | None = None  # until there is something to write: a small file is one trip to a thread

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def fill(self, chunks: AsyncIterable[bytes], *, limit: int) -> None:
        """Write all that `chunks` gives; raises TooLarge above `limit` bytes, Unwritable, and what `chunks` raises."""
        batch = bytearray()
        async for chunk in chunks:
            batch += chunk
            if self.bytes + len(batch) > limit:
                raise TooLarge(f"more than {limit} bytes came")
            if len(batch) >= BATCH:
                await written(self._write, batch)
                batch = bytearray()
        await written(self._finish, batch)

    def publish(self, place: Path) -> None:
        """Move it to `place` on the same file system, safe from a power cut."""
        file = self._opened()
        os.fsync(file.fileno())
        file.close()
        _into(place, partial(self.path.replace, place))
        self._file = None
        sync_folder(place.parent)

    async def discard(self) -> None:
        """Close and remove, unless it is published."""
        if self._file:
            await in_thread(self._remove, self._file)

    def _write(self, batch: bytearray) -> None:
        self._opened().write(batch)
        self._hash.update(batch)
        self.bytes += len(batch)

    def _finish(self, batch: bytearray) -> None:
        self._write(batch)
        self._opened().flush()

    def _opened(self) -> BinaryIO:
        if self._file is None:
            make_folder(self.path.parent)
            self._file = self.path.open("xb")
        return self._file

    def _remove(self, file: BinaryIO) -> None:
        with suppress(OSError):  # a full disk says so once more when the last buffer is flushed
            file.close()
        self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Left:
    """A draft that nobody has written to for a while; `modified` is a Unix time."""

    path: Path
    bytes: int
    modified: float


def left(folder: Path, *, before: float) -> list[Left]:
    """The drafts in `folder` last written before this Unix time, oldest first."""
    found = [_left(path) for path in folder.glob("*")]
    return sorted((draft for draft in found if draft and draft.modified < before), key=lambda draft: draft.modified)


async def in_thread(work: Callable[..., T], *args: Any, threads: Executor | None = None) -> T:
    """Run `work` in a thread. Cancelled, it still waits for it: else the thread would go on with a file that is closed already."""
    running = asyncio.get_running_loop().run_in_executor(threads, work, *args)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def written(work: Callable[..., T], *args: Any) -> T:
    """`in_thread` for what writes to this disk; raises Unwritable."""
    with writing():
        return await in_thread(work, *args)


def make_folder(folder: Path) -> None:
    """Make `folder` so that it survives a power cut: a new entry is safe once the folder that lists it is synced."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writing() -> Iterator[None]:
    """Around what writes to this disk: Unwritable where it cannot."""
    try:
        yield
    except OSError as error:
        raise Unwritable(f"the storage cannot write: {error.strerror or error}") from error


def link(file: Path, place: Path) -> None:
    """Give `file` a second name on the same file system, in place of what is there, safe from a power cut."""
    place.unlink(missing_ok=True)
    _into(place, partial(os.link, file, place))
    sync_folder(place.parent)


def _into(place: Path, go: Callable[[], Any]) -> None:
    """Make the folder of `place`, and `go` there."""
    for _ in range(5):
        # A delete next door may take the folder away while it is still empty.
        with suppress(FileNotFoundError):
            make_folder(place.parent)
            go()
            return
    raise OSError("its folder, or what was to go there, is deleted again and again")


def _left(path: Path) -> Left | None:
    try:
        found = path.stat()
    except FileNotFoundError:  # published or discarded since it was listed
        return None
    return Left(path, found.st_size, found.st_mtime)
