"""plasma as an upstream that answers a submit with the pictures themselves: it must be `instant`."""

from dataclasses import replace

from providers.outcomes import Accepted, Finished, Job

from . import plasma_adapter


class Adapter(plasma_adapter.Adapter):
    async def submit(self, job: Job) -> Accepted | Finished:
        done = await super().submit(job)
        assert isinstance(done, Finished)
        outputs = [replace(found, url="", content=await self._bytes(found.url)) for found in done.outputs]
        return replace(done, outputs=tuple(outputs))

    async def _bytes(self, url: str) -> bytes:
        return (await self.upstream.http.request("GET", url, timeout=5)).body
