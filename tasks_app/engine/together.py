"""Many jobs asked about in one call, where their adapter can; each row hears its own answer.

    rows of one adapter ─► Together: one call ─► an answer for each row ─► what is missing there, or failed, is asked for alone

A list is believed where it says that a job runs or is done. That it does not show a job, or says that it failed, is heard from the
job itself before it counts: lists forget sooner, lag behind, and may tell less.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from providers.adapters import Adapter, Batched
from providers.errors import NotFound, OutcomeUnknown, Unavailable, UpstreamError
from providers.outcomes import Failed, Job, Polled

log = logging.getLogger(__name__)


class Together:
    """One call about these jobs, made when the first of them wants to know."""

    def __init__(self, adapter: Batched, jobs: Sequence[Job]) -> None:
        self._adapter, self._jobs = adapter, jobs
        self._call: asyncio.Future[Mapping[str, Polled]] | None = None

    async def poll(self, job: Job) -> Polled | None:
        """What the call says of one of them; None where that is no last word. Raises what the call raised, never NotFound."""
        if self._call is None:
            self._call = asyncio.ensure_future(self._asked())
        outcome = (await self._call).get(job.token)
        return None if isinstance(outcome, Failed) else outcome

    async def _asked(self) -> Mapping[str, Polled]:
        try:
            return await self._adapter.poll_many(self._jobs)
        except NotFound as fault:
            error: UpstreamError = Unavailable(fault.message)
        except UpstreamError:
            raise
        except Exception:
            # A door, as the pump's: it would record the fault once for each row.
            log.exception("a call about %d jobs failed in our own code", len(self._jobs))
            error = OutcomeUnknown()
        raise error


def gathered(asked: Sequence[tuple[Adapter, Job]]) -> list[Together | None]:
    """For each job the call that it shares with others of its adapter; None where it is asked for alone."""
    groups: dict[int, list[int]] = {}
    for position, (adapter, _) in enumerate(asked):
        if adapter.FACTS.batch > 1 and isinstance(adapter, Batched):
            groups.setdefault(id(adapter), []).append(position)
    found: list[Together | None] = [None] * len(asked)
    for positions in groups.values():
        adapter = asked[positions[0]][0]
        for start in range(0, len(positions), adapter.FACTS.batch):
            part = positions[start : start + adapter.FACTS.batch]
            if len(part) > 1:
                call = Together(adapter, [asked[position][1] for position in part])
                for position in part:
                    found[position] = call
    return found
