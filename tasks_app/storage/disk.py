"""The store on a local disk.

A draft lies on the same file system, is synced, and renamed to its place: at no moment, and after no crash, does a key
lead to a part of a file.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from .drafts import Draft, link, writing, written
from .errors import Unwritable
from .store import PIECE, Store, Stored, checked


class Disk(Store):
    """A folder as a store."""

    def __repr__(self) -> str:
        return f"Disk({str(self._root())!r})"

    async def keep(self, draft: Draft, key: str, *, content_type: str) -> Stored:
        """`content_type` is for stores that serve by themselves; a disk has no place for it."""
        await written(draft.publish, self._at(key))
        return Stored(key, draft.bytes, draft.sha256)

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return _pieces(self._at(key).open("rb"), start, end)

    def sign(self, key: str, *, seconds: int, method: str = "GET", content_type: str = "", disposition: str = "") -> str | None:
        """None: a disk serves nobody, clients come to our own content address."""
        return None

    def sign_put(self, key: str, *, bytes: int, seconds: int) -> str | None:
        """None: what is put, clients bring to our own address."""
        return None

    def copy(self, source: str, key: str) -> None:
        """A second name for the same bytes, which nobody ever changes."""
        there, place = self._at(source), self._at(key)
        try:
            with writing():
                link(there, place)
        except Unwritable:
            if there.exists():
                raise
            raise FileNotFoundError(f"there is no {source}") from None  # or no longer

    def delete(self, *keys: str) -> None:
        """Removes the folders that it leaves empty, too."""
        for key in keys:
            place = self._at(key)
            place.unlink(missing_ok=True)
            with suppress(OSError):  # not empty, or another put has just made it anew
                for folder in list(place.parents)[: key.count("/")]:
                    folder.rmdir()

    def delete_below(self, prefix: str) -> None:
        shutil.rmtree(self._at(prefix), ignore_errors=True)

    def keys(self, prefix: str) -> Iterator[str]:
        root = self._root()
        for folder, _, names in os.walk(self._at(prefix)):
            yield from (str((Path(folder) / name).relative_to(root)) for name in names)

    def size(self, key: str) -> int | None:
        try:
            return self._at(key).stat().st_size
        except FileNotFoundError:
            return None

    def path(self, key: str) -> Path | None:
        return self._at(key)

    def _at(self, key: str) -> Path:
        return self._root() / checked(key)


def _pieces(file: BinaryIO, start: int, end: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        left = float("inf") if end is None else end - start
        while left > 0 and (piece := file.read(int(min(PIECE, left)))):
            yield piece
            left -= len(piece)
