"""plasma, asked about many jobs in one call, which it has a second to answer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from providers.outcomes import Job, Polled

from . import plasma_adapter

FACTS = replace(plasma_adapter.FACTS, batch=10)


class Adapter(plasma_adapter.Adapter):
    FACTS = FACTS

    async def poll_many(self, jobs: Sequence[Job]) -> Mapping[str, Polled]:
        asked = {job.handle["id"]: job.token for job in jobs}
        shown = plasma_adapter._read(await self._ask("GET", f"/v1/jobs?ids={','.join(asked)}", timeout=1))["data"]
        return {asked[one["id"]]: plasma_adapter._polled(one) for one in shown}
