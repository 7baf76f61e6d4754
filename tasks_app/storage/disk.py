"""The store on a local disk.

A put writes to a draft in the same file system, syncs it, and renames it to its place: at no moment, and after no crash, does
a key lead to a part of a file. Drafts that a killed process left are deleted by `sweep`.
"""

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

T = TypeVar("T")

PIECE = 256 * 1024
BATCH = 1024 * 1024  # one trip to a thread for so much: per piece of the network it would cost more than the write
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
LONGEST_KEY = 200
DRAFTS = ".drafts"  # no key starts with a dot


class TooLarge(Exception):
    """More bytes came than the caller allowed; nothing was kept."""


class Unwritable(Exception):
    """The store cannot write now: disk full, read-only, broken. Nothing was kept; later may do."""


@dataclass(frozen=True, slots=True)
class Stored:
    key: str
    bytes: int
    sha256: str


class Disk:
    """A folder as a store; `root` is asked anew each time, so that it follows the settings."""

    def __init__(self, root: Callable[[], Path]):
        self._root = root

    async def put(self, key: str, chunks: AsyncIterable[bytes], *, content_type: str, limit: int) -> Stored:
        """Keep all that `chunks` gives, at most `limit` bytes, under `key`. Raises TooLarge, Unwritable and what `chunks` raises.

        `content_type` is for stores that serve by themselves; a disk has no place for it.
        """
        place = self._at(key)
        draft = await _in_thread(Draft, self._root() / DRAFTS)
        try:
            async for batch in _batches(chunks):
                if draft.bytes + len(batch) > limit:
                    raise TooLarge(f"{key} is larger than {limit} bytes")
                await _in_thread(draft.write, batch)
            await _in_thread(draft.publish, place)
        except BaseException:
            await _in_thread(draft.discard)
            raise
        return Stored(key, draft.bytes, draft.sha256)

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces; FileNotFoundError at once where there are none."""
        return _pieces(self._at(key).open("rb"), start, end)

    def sign(self, key: str, *, seconds: int) -> str | None:
        """None: a disk serves nobody, clients come to our own content address."""
        return None

    def delete(self, key: str) -> None:
        """Remove `key`, and the folders that it leaves empty."""
        place = self._at(key)
        place.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or another put has just made it anew
            for folder in list(place.parents)[: key.count("/")]:
                folder.rmdir()

    def delete_below(self, prefix: str) -> None:
        """Remove every key that starts with `prefix` and a slash."""
        shutil.rmtree(self._at(prefix), ignore_errors=True)

    def size(self, key: str) -> int | None:
        """How many bytes `key` holds; None where there is no such key."""
        try:
            return self._at(key).stat().st_size
        except FileNotFoundError:
            return None

    def path(self, key: str) -> Path | None:
        """Where `key` lies, or would lie, on this machine; a store that is no disk answers None."""
        return self._at(key)

    def sweep(self, *, before: float) -> int:
        """Delete the drafts last written before this Unix time; returns how many."""
        drafts = [draft for draft in (self._root() / DRAFTS).glob("*") if _modified(draft) < before]
        for draft in drafts:
            draft.unlink(missing_ok=True)
        return len(drafts)

    def _at(self, key: str) -> Path:
        if len(key) > LONGEST_KEY or not KEY.fullmatch(key):
            raise ValueError(f"{key!r} is no storage key: ASCII letters, digits, . _ - and /, no part that starts with a dot")
        return self._root() / key


class Draft:
    """A file that nobody can find until it is published: written and hashed piece by piece."""

    def __init__(self, folder: Path):
        _make_folder(folder)
        self.bytes = 0
        self._hash = sha256()
        self._path = folder / secrets.token_hex(16)
        self._file = self._path.open("xb")

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, batch: bytearray) -> None:
        self._file.write(batch)
        self._hash.update(batch)
        self.bytes += len(batch)

    def publish(self, place: Path) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _move(self._path, place)
        _sync_folder(place.parent)

    def discard(self) -> None:
        """Close and remove."""
        with suppress(OSError):  # a full disk says so once more when the last buffer is flushed
            self._file.close()
        self._path.unlink(missing_ok=True)


async def _in_thread(work: Callable[..., T], *args: Any) -> T:
    """Run `work` in a thread. Cancelled, it still waits for it: else the thread would write to a file that is closed already."""
    running = asyncio.get_running_loop().run_in_executor(None, work, *args)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
    except OSError as error:
        raise Unwritable(f"the storage cannot write: {error.strerror or error}") from error


async def _batches(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytearray]:
    batch = bytearray()
    async for chunk in chunks:
        batch += chunk
        if len(batch) >= BATCH:
            yield batch
            batch = bytearray()
    if batch:
        yield batch


def _pieces(file: BinaryIO, start: int, end: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = float("inf") if end is None else end - start
        while left > 0 and (piece := file.read(int(min(PIECE, left)))):
            yield piece
            left -= len(piece)


def _move(draft: Path, place: Path) -> None:
    for _ in range(5):
        # A delete next door may take the folder away while it is still empty.
        with suppress(FileNotFoundError):
            _make_folder(place.parent)
            draft.replace(place)
            return
    raise OSError("its folder is deleted again and again")


def _make_folder(folder: Path) -> None:
    """Make `folder` so that it survives a power cut: a new entry is safe once the folder that lists it is synced."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # published or discarded since it was listed
        return float("inf")
