"""storing → succeeded: fetch each result once, keep it in our storage, measure it, make its thumbnail.

Generation is paid by now: whatever goes wrong here, nothing is submitted again.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from providers.errors import Invalid, Unavailable

from .. import egress
from ..ids import shown
from ..storage import Stored as Kept
from ..storage import TooLarge, Unwritable, media, storage
from . import claims, decisions, jobs, lifecycle, quarantine
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome, Stored, StoredOutput
from .pump import Arrived, Pump

INLINE = "storage:"  # how `found` names a result whose bytes came in the submit's answer
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
    async with _source(found["url"]) as (_, chunks):
        stored = await _put(key, chunks, found["content_type"], LIMIT)
    seen = await _examined(key)
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
    if url.startswith(INLINE):
        yield egress.Fetched("", _pieces(url.removeprefix(INLINE)))
        return
    source = egress.local_result(url) if url.startswith("file:") else egress.fetch(url, limit=LIMIT)
    async with source as fetched:
        yield fetched


async def _pieces(key: str) -> AsyncIterator[bytes]:
    try:
        pieces = storage.open(key)
    except FileNotFoundError:
        raise Invalid("the result is not there any more") from None
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


async def _put(key: str, chunks: AsyncIterable[bytes], content_type: str, limit: int) -> Kept:
    """storage.put, its faults told as those of an upstream: too large is final, unwritable is passing."""
    try:
        return await storage.put(key, chunks, content_type=content_type, limit=limit)
    except TooLarge as error:
        raise Invalid("the result is too large") from error
    except Unwritable as error:
        raise Unavailable("the storage cannot be written") from error


async def _examined(key: str) -> media.Examined:
    try:
        return await media.examine(storage.path(key))
    except media.NotMedia as error:
        raise Invalid(f"the upstream's result is not a picture, video, sound or text: {error}") from error


async def _thumbnail(key: str, content: bytes) -> str:
    async def once():
        yield content

    return (await _put(f"{key}.thumbnail", once(), "image/webp", len(content))).key


def _decision(task: Claimed, outcome: Outcome, now: datetime) -> decisions.Decision:
    return decisions.after_store(task.snapshot, outcome, _lives_until(task), now)


def _lives_until(task: Claimed) -> datetime:
    """When the upstream deletes the first of the results: as it said, else as its adapter declares, from the task's deadline on."""
    said = [datetime.fromisoformat(one["lives_until"]) for one in task.row["found"] if one["lives_until"]]
    return min(said, default=task.row["deadline_at"] + jobs.facts(task).results_live - timedelta(minutes=1))


pump = Pump("store", take, call, land, window=settings.STORE_WINDOW)
run = pump.run
