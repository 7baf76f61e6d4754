"""Warm instances: as many as there are runs at once, each kept after a run for the next event of its function."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .instance import Instance

log = logging.getLogger(__name__)


class Pool:
    """At most `at_once` instances are lent at a time; who asks later waits, in order."""

    def __init__(self, *, at_once: int, memory_mb: int, log_format: str):
        self._places = asyncio.Semaphore(at_once)
        self._memory_mb, self._log_format = memory_mb, log_format
        self._idle: dict[str, list[Instance]] = defaultdict(list)
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
                self._idle[function].append(instance)
            finally:
                self._lent.discard(instance)

    def close(self) -> None:
        for instance in [*self._lent, *(instance for kept in self._idle.values() for instance in kept)]:
            instance.end()
        self._idle.clear()

    def _taken(self, function: str) -> Instance:
        while self._idle[function]:
            instance = self._idle[function].pop()
            if instance.is_alive():
                return instance
        instance = Instance(function, memory_mb=self._memory_mb, log_format=self._log_format)
        log.info("started an instance of %s, process %d", function, instance.pid)
        return instance
