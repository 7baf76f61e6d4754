"""Questions about an attempt whose task does not follow it: to which adapter, about which job, as if its task still did."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from providers.adapters import Adapter
from providers.outcomes import Facts, Found, Job

from ..models import Attempt, Flag, Task
from . import jobs, lost
from .claims import COLUMNS, Claimed
from .decisions import Trace

AS_OF_THE_ATTEMPT = ("provider_id", "route_id", "credential_version", "handle")


@dataclass(frozen=True, slots=True)
class Question(Claimed):
    """An attempt to ask about: its task's row, as it would be if the task still followed it.

    `found`: what it made, where that is known already.
    """

    adapter: Adapter
    job: Job
    input: Mapping[str, Any]
    trace: Trace
    found: tuple[Found, ...] = ()

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
    return Question(claimed.row, 0, adapter, job, row["input"], trace, _found(attempt, row))


def of_flag(flag: Flag, *, handle: Mapping[str, Any] | None = None) -> Question | None:
    """The question about a flag's attempt, by this handle or the one that an operator gave; None where its task, or its record, is gone."""
    attempt = Attempt.objects.filter(token=flag.token).first()
    row = Task.objects.filter(id=flag.task_id).values(*COLUMNS, "input").first()
    if attempt is None or row is None:
        return None
    if given := handle or flag.handle:
        attempt.handle = given
    question = about(attempt, row)
    return replace(question, found=()) if handle else question


def _found(attempt: Attempt, row: Mapping[str, Any]) -> tuple[Found, ...]:
    """What it made: told when it was too late, or what its task was about to store when that was given up."""
    is_last = attempt.token == Claimed(row, 0).submit_token
    given_up = row["found"] if is_last and row["status"] == "failed" else None
    return tuple(_read(one) for one in attempt.late_found or given_up or ())


def _read(kept: Mapping[str, Any]) -> Found:
    until = kept["lives_until"]
    return Found(kept["url"], content_type=kept["content_type"], lives_until=until and datetime.fromisoformat(until))
