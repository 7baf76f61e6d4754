"""Waits within a request until a task is over, for clients that expect their pictures in the answer.

Who waits holds one of this process's threads, and all other requests need threads too. So half of them may wait. Who finds no place, or
whose task takes longer than LONGEST_S, is told where to ask instead.
"""

import time
from collections.abc import Callable
from functools import cache
from threading import BoundedSemaphore
from uuid import UUID

from django.conf import settings

from ... import rows
from . import shown

LONGEST_S = 55  # the proxy in front waits for 75, and the client for 600
FIRST_PAUSE_S, GROWTH, LONGEST_PAUSE_S = 0.05, 1.3, 1.0


_ending: list[Callable[[], bool]] = []  # who tells whether this process is about to end


def stop_when(is_ending: Callable[[], bool]) -> None:
    """Have nobody wait any longer once this process `is_ending`: it would be killed before the longest wait is over."""
    _ending[:] = [is_ending]


def for_end(account_id: int, task_id: UUID, *, longest_s: float = LONGEST_S) -> rows.Row | None:
    """The task once it is over, or as it is when it may be waited for no longer; None where it is gone."""
    places = _places(settings.WEB_THREADS // 2)
    row = rows.find(account_id, task_id)
    if not _is_open(row) or not places.acquire(blocking=False):
        return row
    try:
        return _watched(account_id, task_id, ends_at=time.monotonic() + longest_s)
    finally:
        places.release()


def _watched(account_id: int, task_id: UUID, *, ends_at: float) -> rows.Row | None:
    pause_s = FIRST_PAUSE_S
    while _is_open(row := rows.find(account_id, task_id)) and (left_s := ends_at - time.monotonic()) > 0:
        if any(is_ending() for is_ending in _ending):
            break
        time.sleep(min(pause_s, left_s))
        pause_s = min(pause_s * GROWTH, LONGEST_PAUSE_S)
    return row


def _is_open(row: rows.Row | None) -> bool:
    return row is not None and not shown.is_over(row)


@cache
def _places(count: int) -> BoundedSemaphore:
    return BoundedSemaphore(count)
