"""A result of an upstream into our storage: fetched once, looked at while it is a draft on this machine, kept under its true type.

What is no media never gets into the storage.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from django.conf import settings

from providers.errors import Invalid, Unavailable

from .. import egress
from ..storage import StorageAway, TooLarge, media, storage
from . import lifecycle
from .decisions import StoredOutput

LIMIT = settings.RESULT_LIMIT_MB * 1_000_000


async def result(url: str, key: str, *, content: bytes | None = None, headers: Mapping[str, str] | None = None) -> StoredOutput:
    """The result at `url`, or `content` itself, in our storage, its thumbnail beside it. A second try overwrites `key` with the same.

    `headers`: what the upstream wants to see before it gives the result.

    Raises Invalid for what will never be kept, and what egress raises.
    """
    with _judging():
        async with storage.draft() as draft:
            async with _source(url, content, headers) as (_, chunks):
                await draft.fill(chunks, limit=LIMIT)
            seen = await _examined(draft.path)
            stored = await storage.keep(draft, key, content_type=seen.content_type)
        thumbnail_key = await _thumbnail(key, seen.thumbnail) if seen.thumbnail else ""
    return StoredOutput(
        type=seen.type,
        content_type=seen.content_type,
        bytes=stored.bytes,
        sha256=stored.sha256,
        key=key,
        thumbnail_key=thumbnail_key,
        width=seen.width,
        height=seen.height,
        duration=seen.duration,
    )


@asynccontextmanager
async def _source(url: str, content: bytes | None, headers: Mapping[str, str] | None) -> AsyncIterator[egress.Fetched]:
    """A result's bytes: from the upstream, from our own functions' folder, or from what an answer carried inline."""
    if content is not None:
        yield egress.Fetched("", _once(content))
        return
    if url.startswith(lifecycle.INLINE):
        yield egress.Fetched("", _pieces(url.removeprefix(lifecycle.INLINE)))
        return
    source = egress.local_result(url) if url.startswith("file:") else egress.fetch(url, limit=LIMIT, headers=headers)
    async with source as fetched:
        yield fetched


async def _pieces(key: str) -> AsyncIterator[bytes]:
    try:
        async for piece in storage.stream(key):
            yield piece
    except FileNotFoundError:
        raise Invalid("the result is not there any more") from None


@contextmanager
def _judging() -> Iterator[None]:
    """The storage's faults, told as those of an upstream: too large is final, all others are passing."""
    try:
        yield
    except TooLarge as error:
        raise Invalid("the result is too large") from error
    except StorageAway as error:
        raise Unavailable("the storage does not do its work") from error


async def _examined(path: Path) -> media.Examined:
    try:
        return await media.examine(path)
    except media.NotMedia as error:
        raise Invalid(f"the upstream's result is not a picture, video, sound or text: {error}") from error


async def _thumbnail(key: str, content: bytes) -> str:
    return (await storage.put(f"{key}.thumbnail", _once(content), content_type="image/webp", limit=len(content))).key


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
