"""grit's protocol, for an upstream that is given 20 s to answer anything, as slow vendors must be."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.upstreams import grit_adapter

PATIENCE = timedelta(seconds=20)


class Adapter(grit_adapter.Adapter):
    FACTS = replace(grit_adapter.FACTS, submit_timeout=PATIENCE)

    async def _ask(self, method: str, path: str, **more: Any) -> Any:
        return await super()._ask(method, path, **more | {"timeout": PATIENCE.total_seconds()})
