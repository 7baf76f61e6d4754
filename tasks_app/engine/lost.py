"""Lost: a submit whose answer nobody heard. What an adapter gets to find its job by, and which of the jobs found are ours."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from providers.adapters import Adapter
from providers.errors import OutcomeUnknown
from providers.models import Provider
from providers.outcomes import CLOCKS_APART, Accepted, Facts, Job

from . import attempts, jobs
from .claims import Claimed
from .decisions import Outcome, Trace


class Lost(Protocol):
    """A claimed row with what is recorded of its submit."""

    row: Mapping[str, Any]
    input: Mapping[str, Any]
    trace: Trace

    @property
    def id(self) -> UUID: ...

    @property
    def submit_token(self) -> str: ...

    @property
    def facts(self) -> Facts: ...


def facts(adapter: Adapter, job: Job) -> Facts:
    """What an upstream offers for this job; no callbacks where it was given no address."""
    facts = adapter.FACTS
    return facts if job.callback_url else replace(facts, recovery=facts.recovery - {"callback"})


def job(claimed: Claimed, facts: Facts, trace: Trace, input: Mapping[str, Any]) -> Job:
    """The job with all that finding it may need; reads the database."""
    held = attempts.handles_around(claimed, trace.sent_at, _around(facts)) if facts.knows_by_likeness else ()
    address = jobs.callback_url(claimed, facts)
    return replace(jobs.job(claimed), input=input, callback_url=address, sent_at=trace.sent_at, held=tuple(held), hint=trace.hint)


def can_be_found(facts: Facts, trace: Trace) -> bool:
    """Whether there is anything to find it by: the upstream's own means, or what a callback named."""
    return facts.can_find or trace.hint is not None


def undoubted(found: Sequence[tuple[Lost, Accepted]]) -> dict[str, Outcome]:
    """By submit token, the job that was found; unknown where that was by likeness, and it may be another attempt's.

    In the caller's transaction. Looked at under the provider's lock, so that two workers do not find the same job for two tasks
    at the same moment.
    """
    alike = [(task, accepted) for task, accepted in found if task.facts.knows_by_likeness]
    if alike:
        ids = sorted({task.row["provider_id"] for task, _ in alike})
        list(Provider.objects.select_for_update().filter(id__in=ids).order_by("id").values_list("id", flat=True))
    taken: list[tuple[str, Mapping[str, Any]]] = []  # whose and which, of those that are found here and now
    return {task.submit_token: _undoubted(task, accepted, taken) for task, accepted in alike}


def _undoubted(task: Lost, found: Accepted, taken: list[tuple[str, Mapping[str, Any]]]) -> Outcome:
    # Not by this very attempt, which a worker may have in its hands twice: frozen past its lease, it took its own row anew.
    others = [handle for token, handle in taken if token != task.submit_token]
    if found.handle in [*others, *attempts.handles_around(task, task.trace.sent_at, _around(task.facts))]:
        return OutcomeUnknown("The job that was found belongs to another task.")
    if attempts.has_open_twin(task, task.trace.sent_at, _around(task.facts), task.input):
        return OutcomeUnknown("The job that was found may belong to another task.")
    taken.append((task.submit_token, found.handle))
    return found


def _around(facts: Facts) -> timedelta:
    """How far from each other two submits may have left whose jobs look as if they were made at the same time."""
    return facts.submit_timeout + CLOCKS_APART
