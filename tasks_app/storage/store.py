"""What every store promises, wherever it keeps its bytes. disk.py and cos.py say how."""

import logging
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from . import drafts
from .drafts import DRAFTS, Draft, in_thread
from .errors import StorageAway

log = logging.getLogger(__name__)

PIECE = 256 * 1024
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Stored:
    key: str
    bytes: int
    sha256: str


def checked(key: str) -> str:
    """The key; raises ValueError where it could lead elsewhere."""
    if len(key) > LONGEST_KEY or not KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no storage key: ASCII letters, digits, . _ - and /, no part that starts with a dot")
    return key


class Store:
    """`root` is the folder of this machine below which drafts lie, asked anew each time, so that it follows the settings.

    `threads` do what would block an event loop (None: the loop's own).
    """

    def __init__(self, root: Callable[[], Path], threads: Executor | None = None):
        self._root, self._threads = root, threads

    async def put(self, key: str, chunks: AsyncIterable[bytes], *, content_type: str, limit: int) -> Stored:
        """Keep all that `chunks` gives, at most `limit` bytes, under `key`. Raises TooLarge, Unwritable and what `chunks` raises."""
        checked(key)
        async with self.draft() as draft:
            await draft.fill(chunks, limit=limit)
            return await self.keep(draft, key, content_type=content_type)

    @asynccontextmanager
    async def draft(self) -> AsyncIterator[Draft]:
        """A file to be filled and looked at before it is kept; gone at the end, kept or not."""
        draft = Draft(self._root() / DRAFTS)
        try:
            yield draft
        finally:
            await draft.discard()

    async def stream(self, key: str) -> AsyncIterator[bytes]:
        """`open`, for an event loop."""
        pieces = await in_thread(self.open, key, threads=self._threads)
        while piece := await in_thread(next, pieces, b"", threads=self._threads):
            yield piece

    async def has(self, key: str) -> bool:
        """Whether there is such a key, for an event loop. Raises Unreadable."""
        return await in_thread(self.size, key, threads=self._threads) is not None

    async def forget(self, prefix: str) -> None:
        """`delete_below` in its own time, for what may as well stay for a while: a failure is logged and no more."""
        try:
            await in_thread(self.delete_below, prefix, threads=self._threads)
        except StorageAway as fault:
            log.warning("%s stays: %s", prefix, fault)

    def old_drafts(self, *, before: float) -> list[drafts.Left]:
        """The drafts last written before this Unix time, oldest first."""
        return drafts.left(self._root() / DRAFTS, before=before)

    # Each store in its own way

    async def keep(self, draft: Draft, key: str, *, content_type: str) -> Stored:
        """Keep the whole of a filled draft under `key`, in place of what it held; readers see all of it or none. Raises Unwritable."""
        raise NotImplementedError

    def open(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, in pieces. Where there are none: FileNotFoundError, at once."""
        raise NotImplementedError

    def sign(self, key: str, *, seconds: int, method: str = "GET", content_type: str = "", disposition: str = "") -> str | None:
        """A link by which anyone may GET (or HEAD) `key` for a while, with these headers in its answer; None: the store serves nobody."""
        raise NotImplementedError

    def sign_put(self, key: str, *, bytes: int, seconds: int) -> str | None:
        """A link by which anyone may PUT exactly so many bytes to `key` for a while; None: the store takes nothing from others.

        Raises NoLink where it has none to give now.
        """
        raise NotImplementedError

    def copy(self, source: str, key: str) -> None:
        """Keep what `source` holds under `key` too, in place of what it held; readers see all of it or none.

        Where there is none: FileNotFoundError. Raises Unwritable.
        """
        raise NotImplementedError

    def delete(self, *keys: str) -> None:
        """Remove `keys`; gone before is fine. Raises Unwritable."""
        raise NotImplementedError

    def delete_below(self, prefix: str) -> None:
        """Remove every key that starts with `prefix` and a slash. Raises Unwritable."""
        raise NotImplementedError

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that starts with `prefix` and a slash, in no order; of those that come or go meanwhile, some. Raises Unwritable."""
        raise NotImplementedError

    def size(self, key: str) -> int | None:
        """How many bytes `key` holds; None where there is no such key. Raises Unreadable."""
        raise NotImplementedError

    def path(self, key: str) -> Path | None:
        """Where `key` lies, or would lie, on this machine; a store that is no disk answers None."""
        raise NotImplementedError
