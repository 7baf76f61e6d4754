"""Questions about an attempt whose task does not follow it: to which adapter, about which job, as if its task still did."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.adapters import Adapter
from providers.outcomes import Facts, Job

from ..models import Attempt
from . import jobs, lost
from .claims import Claimed
from .decisions import Trace

AS_OF_THE_ATTEMPT = ("provider_id", "route_id", "credential_version", "handle")


@dataclass(frozen=True, slots=True)
class Question(Claimed):
    """An attempt to ask about: its task's row, as it would be if the task still followed it."""

    adapter: Adapter
    job: Job
    input: Mapping[str, Any]
    trace: Trace

    @property
    def facts(self) -> Facts:
        return lost.facts(self.adapter, self.job)

    @property
    def can_be_put(self) -> bool:
        """Whether there is anything to ask the upstream by."""
        return self.job.handle is not None or lost.can_be_found(self.adapter.FACTS, self.trace)


def about(attempt: Attempt, row: Mapping[str, Any]) -> Question:
    """The question about an attempt; `row` is its task's, with claims.COLUMNS and its input. Reads the database."""
    number = int(attempt.token.rpartition("-")[2])
    claimed = Claimed({**row, **{name: getattr(attempt, name) for name in AS_OF_THE_ATTEMPT}, "attempts": number}, taken=0)
    trace = Trace(attempt.intended_at, called=attempt.called_at is not None, hint=attempt.hint)
    adapter = jobs.adapter(claimed)
    job = lost.job(claimed, adapter.FACTS, trace, row["input"])
    return Question(claimed.row, 0, adapter, job, row["input"], trace)
