"""The upstreams of the stage: each a moment's travel away, and with books of who bought what.

plasma   honours our token; every task that it takes must succeed
grit     knows no token: a submit whose answer is lost is never sent again
mute     speaks grit's protocol while it speaks; its adapter waits for 20 s
"""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.upstreams import Grit, Plasma
from tests.upstreams.jobs import UpstreamJob
from tests.upstreams.simulator import Simulator

TRAVEL_S = (0.05, 0.4)  # there, and as long back: so that a killed worker always has calls open, before an accept and after


class Far(Simulator):
    """`customers`: job id → the prompt it was bought with. A `silent` one takes nothing and answers nothing.

    `travel_s`: from and up to how many seconds a request is on its way there, and its answer back.
    """

    def __init__(self) -> None:
        super().__init__(seconds=1.0)
        self.customers: dict[str, str] = {}
        self.silent, self.travel_s = False, TRAVEL_S
        self._dice = random.Random(1)

    def bought_by(self) -> Counter[str]:
        """Jobs by the prompt they were bought with."""
        return Counter(dict(self.customers).values())

    def behave(self) -> None:
        super().behave()
        self.silent, self.travel_s = False, TRAVEL_S

    async def _obey(self, request: web.BaseRequest) -> web.StreamResponse:
        await self._travel()
        while self.silent:
            await asyncio.sleep(0.2)
        return await super()._obey(request)

    async def _answer(self, *args: Any) -> web.StreamResponse:
        await self._travel()
        return await super()._answer(*args)

    def _accept(self, body: Mapping[str, Any]) -> UpstreamJob:
        job = super()._accept(body)
        self.customers[job.id] = body.get("prompt") or body["text"]
        return job

    async def _travel(self) -> None:
        await asyncio.sleep(self._dice.uniform(*self.travel_s))


class FarPlasma(Far, Plasma):
    pass


class FarGrit(Far, Grit):
    pass


ALL: dict[str, type[Far]] = {"plasma": FarPlasma, "grit": FarGrit, "mute": FarGrit}
