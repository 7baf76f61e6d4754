"""What waits to be told to one client. It is bounded: of progress the latest of each task is kept, and who falls far behind is given up."""

import asyncio
from typing import NamedTuple
from uuid import UUID

from .look import Sight

# What waits for a client to read: beyond it, the client comes again and resumes.
MOST_BEHIND, MOST_BEHIND_BYTES = 500, 500_000
AT_ONCE = 20  # changes that are told in one piece


class Told(NamedTuple):
    """What to tell now; `floor` is where in the log a client resumes that has heard of all this, None where more is to follow first."""

    progress: dict[UUID, float]
    sights: list[Sight]
    floor: int | None


class Watcher:
    """One client's: of a task, or of all tasks of an account. `wake` has it look up, as at the end of its time."""

    def __init__(self, account_id: int, task_id: UUID | None = None):
        self.account_id, self.task_id = account_id, task_id
        self.is_behind = False
        self._told_to: int | None = None  # the task's changes up to here were told; None: the beginning was not read yet
        self._newest: UUID | None = None  # the account's newest task of which was told
        self._sights: list[Sight] = []
        self._bytes = 0
        self._progress: dict[UUID, float] = {}
        self._floor = 0
        self._woken = False
        self._waits: asyncio.Future | None = None

    def begin(self, told_to: int = 0, newest: UUID | None = None) -> None:
        """Leave out what the client was told in the beginning."""
        self._told_to, self._newest = told_to, newest
        self._sights = [sight for sight in self._sights if self._is_new(sight)]

    def see(self, sight: Sight, floor: int) -> None:
        self._floor = floor
        if not self._is_new(sight):
            return
        if self._sights and (len(self._sights) >= MOST_BEHIND or self._bytes + len(sight.task) > MOST_BEHIND_BYTES):
            self.is_behind = True
        if not self.is_behind:
            self._sights.append(sight)
            self._bytes += len(sight.task)
        if sight.is_over:
            self._progress.pop(sight.change.task_id, None)
        self.wake()

    def hear(self, task_id: UUID, share: float) -> None:
        self._progress[task_id] = share
        self.wake()

    def take(self) -> Told:
        sights, self._sights = self._sights[:AT_ONCE], self._sights[AT_ONCE:]
        self._bytes -= sum(len(sight.task) for sight in sights)
        self._woken = self._woken or bool(self._sights)
        told = Told(self._progress, sights, None if self._sights else self._floor)
        self._progress = {}
        return told

    def wake(self) -> None:
        self._woken = True
        if self._waits and not self._waits.done():
            self._waits.set_result(None)

    async def something(self, within_s: float) -> bool:
        """Wait until there is something to tell, or it was woken; False where nothing came in time."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._waits = loop.create_future()
            late = loop.call_later(within_s, _give_up, self._waits)
            try:
                await self._waits
            finally:
                late.cancel()
                self._waits = None
        woken, self._woken = self._woken, False
        return woken

    def _is_new(self, sight: Sight) -> bool:
        if self._told_to is None:
            return True
        if sight.change.id == 0:  # a birth
            return self.task_id is None and (self._newest is None or sight.change.task_id > self._newest)
        return self.task_id is None or sight.change.id > self._told_to


def _give_up(waits: asyncio.Future) -> None:
    if not waits.done():
        waits.set_result(None)
