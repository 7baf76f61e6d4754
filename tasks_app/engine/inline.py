"""Inline: results that an answer carries itself are put into storage at once. A row has no room for bytes, and a crash would lose them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

from providers.outcomes import Finished, Found

from ..ids import shown
from ..storage import StorageAway, storage
from . import lifecycle
from .claims import Claimed
from .decisions import Outcome

STORAGE_WAITS = (1, 2, 5, 15, 30, 60, 60, 60)  # seconds; the pump keeps the claim meanwhile


async def kept(task: Claimed, outcome: Outcome) -> Outcome:
    """The outcome, with each result that came inline found in our storage instead."""
    if not isinstance(outcome, Finished):
        return outcome
    outputs = [await _keep(task, position, found) for position, found in enumerate(outcome.outputs)]
    return replace(outcome, outputs=tuple(outputs))


async def _keep(task: Claimed, position: int, found: Found) -> Found:
    if found.content is None:
        return found
    key = f"found/{shown('task', task.id)}/{task.row['attempts']}-{position}"
    await _put(key, found.content, found.content_type)
    return replace(found, url=f"{lifecycle.INLINE}{key}", content=None)


async def _put(key: str, content: bytes, content_type: str) -> None:
    """Put the bytes into storage; one that is away is waited for, because they are paid for and may exist nowhere else."""
    for wait in (*STORAGE_WAITS, None):
        try:
            await storage.put(key, _once(content), content_type=content_type, limit=len(content))
            return
        except StorageAway:
            if wait is None:
                raise
            await asyncio.sleep(wait)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
