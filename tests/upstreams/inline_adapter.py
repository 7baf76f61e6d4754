"""plasma as an upstream whose answer carries the pictures themselves: that to a submit where it is `instant`, else that to a poll.

As those who answer so do, it honours no token and finds nothing: what the answer to a submit carried exists nowhere else.
"""

from dataclasses import replace

from providers.outcomes import Accepted, Finished, Job, Polled

from . import plasma_adapter

FACTS = replace(plasma_adapter.FACTS, recovery=frozenset())


class Adapter(plasma_adapter.Adapter):
    FACTS = FACTS

    async def submit(self, job: Job) -> Accepted | Finished:
        told = await super().submit(job)
        return await self._inline(told) if isinstance(told, Finished) else told

    async def poll(self, job: Job) -> Polled:
        told = await super().poll(job)
        return await self._inline(told) if isinstance(told, Finished) else told

    async def _inline(self, done: Finished) -> Finished:
        outputs = [replace(found, url="", content=await self._bytes(found.url)) for found in done.outputs]
        return replace(done, outputs=tuple(outputs))

    async def _bytes(self, url: str) -> bytes:
        return (await self.upstream.http.request("GET", url, timeout=5)).body
