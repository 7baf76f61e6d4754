"""Warm instances: each is kept after a run for the next event of its function, a few in all."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .instance import Instance

log = logging.getLogger(__name__)

WARM = 4  # instances that wait for an event; each holds 30 to 90 MB


class Pool:
    """At most `at_once` instances are lent at a time; who asks later waits, in order."""

    def __init__(self, *, at_once: int, memory_mb: int, log_format: str):
        self._places = asyncio.Semaphore(at_once)
        self._memory_mb, self._log_format = memory_mb, log_format
        self._idle: list[Instance] = []  # the one that has waited longest first
        self._lent: set[Instance] = set()

    @asynccontextmanager
    async def lent(self, function: str) -> AsyncIterator[Instance]:
        """An instance for one event; it is kept if the block ends well, and killed with all its children if not."""
        async with self._places:
            instance = self._taken(function)
            self._lent.add(instance)
            try:
                yield instance
            except BaseException:
                instance.end()
                raise
            else:
                self._keep(instance)
            finally:
                self._lent.discard(instance)

    def close(self) -> None:
        for instance in [*self._lent, *self._idle]:
            instance.end()
        self._idle.clear()

    def _taken(self, function: str) -> Instance:
        for instance in [instance for instance in reversed(self._idle) if instance.function == function]:
            self._idle.remove(instance)
            if instance.is_alive():
                return instance
        instance = Instance(function, memory_mb=self._memory_mb, log_format=self._log_format)
        log.info("started an instance of %s, process %d", function, instance.pid)
        return instance

    def _keep(self, instance: Instance) -> None:
        self._idle.append(instance)
        too_many = self._idle[:-WARM]
        for ending in [*too_many, instance] if instance.is_spent else too_many:
            self._idle.remove(ending)
            ending.end()
