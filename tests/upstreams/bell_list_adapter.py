"""bell by its list: an order is ours where it shows the address that we gave it, or else where it alone shows our text and time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from providers.errors import OutcomeUnknown
from providers.outcomes import Accepted, Finished, Job

from . import bell_adapter
from .bell_adapter import FIELDS, read

FACTS = replace(bell_adapter.FACTS, recovery=frozenset({"lists", "callback"}))
SKEW = timedelta(seconds=60)  # between bell's clock and ours
SHOWS_WITHIN = timedelta(seconds=30)  # after an order was taken, its list shows it


class Adapter(bell_adapter.Adapter):
    FACTS = FACTS

    async def find(self, job: Job) -> Accepted | Finished | None:
        listed = read(await self._ask("GET", f"/orders?since={(job.sent_at - SKEW).timestamp()}"))
        handles = [{"order": shown["id"]} for shown in listed["orders"] if _may_be_ours(shown, job)]
        match [handle for handle in handles if handle not in job.held]:
            case [handle]:
                return Accepted(handle)
            case [] if listed["now"] > (job.sent_at + FACTS.submit_timeout + SHOWS_WITHIN).timestamp():
                return None
        raise OutcomeUnknown("bell's list does not tell which order is ours")


def _may_be_ours(shown: dict[str, Any], job: Job) -> bool:
    if job.callback_url:
        return shown.get("call") == job.callback_url
    ordered = {FIELDS[name]: value for name, value in job.input.items() if name in FIELDS}
    in_time = shown["made_at"] <= (job.sent_at + FACTS.submit_timeout + SKEW).timestamp()
    return in_time and {**ordered, "model": job.model} == {name: shown.get(name) for name in (*ordered, "model")}
