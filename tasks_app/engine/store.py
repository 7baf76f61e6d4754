"""storing → succeeded: fetch each result once, measure it, make its thumbnail, keep both in our storage.

Generation is paid by now: whatever goes wrong here, nothing is submitted again. A result is looked at while it is a draft on this
machine, so what is no media never gets into the storage, and what does is kept under its true type.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from providers.errors import Invalid, Unavailable

from .. import egress
from ..ids import shown
from ..storage import StorageAway, TooLarge, media, storage
from . import claims, decisions, jobs, lifecycle, quarantine
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome, Stored, StoredOutput
from .pump import Arrived, Pump

LIMIT = settings.RESULT_LIMIT_MB * 1_000_000


def take(room: int, clock: Clock) -> list[Claimed]:
    now = clock()
    return quarantine.cleared(claims.take("storing", limit=room, now=now), now=now)


async def call(claimed: Claimed) -> Outcome:
    return Stored(tuple([await _keep(claimed, position, found) for position, found in enumerate(claimed.row["found"])]))


def land(arrived: Arrived, clock: Clock) -> None:
    now = clock()
    lifecycle.advance([lifecycle.Step(task, _decision(task, outcome, now)) for task, outcome in arrived], now=now)


async def _keep(claimed: Claimed, position: int, found: dict[str, Any]) -> StoredOutput:
    """One result in our storage, under a key that a second try overwrites with the same."""
    key = f"outputs/{shown('task', claimed.id)}/{position}"
    with _judging():
        async with storage.draft() as draft:
            async with _source(found["url"]) as (_, chunks):
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
async def _source(url: str) -> AsyncIterator[egress.Fetched]:
    """A result's bytes: from the upstream, from our own functions' folder, or from what a submit's answer carried inline."""
    if url.startswith(lifecycle.INLINE):
        yield egress.Fetched("", _pieces(url.removeprefix(lifecycle.INLINE)))
        return
    source = egress.local_result(url) if url.startswith("file:") else egress.fetch(url, limit=LIMIT)
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


def _decision(task: Claimed, outcome: Outcome, now: datetime) -> decisions.Decision:
    return decisions.after_store(task.snapshot, outcome, _lives_until(task), now)


def _lives_until(task: Claimed) -> datetime:
    """When the upstream deletes the first of the results: as it said, else as its adapter declares, from the task's deadline on."""
    said = [datetime.fromisoformat(one["lives_until"]) for one in task.row["found"] if one["lives_until"]]
    return min(said, default=task.row["deadline_at"] + jobs.facts(task).results_live - timedelta(minutes=1))


pump = Pump("store", take, call, land, window=settings.STORE_WINDOW)
run = pump.run
