"""The record of each submission: written before the call, completed after it, without the fence, so that no accept is ever lost."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from providers import directory
from providers.directory import RouteSnapshot
from providers.errors import Interrupted, UpstreamError
from providers.exchange import Record
from providers.outcomes import Accepted, Failed, Finished

from .. import metrics
from ..models import Attempt, Task
from . import flags
from .claims import Claimed
from .decisions import Outcome, Stopped, Trace

log = logging.getLogger(__name__)

OPEN = "open"  # the late outcome of a job that may go on without a task
INTERRUPTED = "interrupted"  # its upstream cut it off
BOUGHT = ("accepted", "finished")
BEGUN = ("accepted", Interrupted.code)  # of earlier attempts; the second: its submit waited for the job, which was cut off
ASK_AFTER = timedelta(minutes=1)
FOLLOWED = {"is_orphan": False, "late_outcome": "", "ask_at": None}  # as long as nobody says otherwise


def intend(claimed: Sequence[Claimed], route: RouteSnapshot, *, now: datetime) -> None:
    """One row for each submission that is about to be made."""
    Attempt.objects.bulk_create(
        Attempt(
            task_id=one.id,
            token=one.submit_token,
            provider_id=route.provider_id,
            route_id=route.id,
            credential_version=one.row["credential_version"],
            intended_at=now,
        )
        for one in claimed
    )


def landed(claimed: Claimed, outcome: Outcome, *, now: datetime, record: Record | None = None) -> None:
    """What the upstream answered, and the record of that. A later 'unknown' never overwrites a known answer."""
    mine = Attempt.objects.filter(token=claimed.submit_token)
    if not isinstance(outcome, Accepted | Finished):
        mine = mine.exclude(outcome__in=BOUGHT)
    columns = _columns(outcome)
    said = {"request": record.request, "answer": record.answer} if record else {}  # a look-up is no submit, and leaves what there is
    mine.update(landed_at=now, **columns, **said)
    provider = directory.provider(claimed.row["provider_id"]).name
    transaction.on_commit(metrics.ATTEMPTS.labels(provider, columns["outcome"]).inc)


def charged(claimed: Claimed, cost: float) -> None:
    """What the upstream charged for a job that was polled to its end."""
    Attempt.objects.filter(token=claimed.submit_token).update(upstream_cost=cost)


def ended(claimed: Claimed, record: Record) -> None:
    """What the upstream said of a job when its task ended badly."""
    Attempt.objects.filter(token=claimed.submit_token).update(ending=f"{record.request}\n\n{record.answer}".rstrip())


def traces(claimed: Sequence[Claimed]) -> dict[UUID, Trace]:
    """What is recorded of these rows' current attempts: an accept by a worker that could not move the task, a callback."""
    tokens = {one.submit_token: one.id for one in claimed}
    rows = Attempt.objects.filter(token__in=tokens).values("token", "intended_at", "outcome", "handle", "called_at", "hint")
    return {tokens[row["token"]]: _trace(row) for row in rows}


def handles_around(of: Claimed, sent_at: datetime, within: timedelta) -> list[Mapping[str, Any]]:
    """The handles that other attempts at this row's provider were given within so much time of its own."""
    return list(_around(of, sent_at, within).filter(handle__isnull=False).values_list("handle", flat=True))


def has_open_twin(of: Claimed, sent_at: datetime, within: timedelta, input: Mapping[str, Any]) -> bool:
    """Whether another submit of the same input may be answered yet: a job that looks like this row's may be that one's."""
    tasks = _around(of, sent_at, within).filter(landed_at=None).values_list("task_id", flat=True)
    return input in Task.objects.filter(id__in=list(tasks), model=of.row["model"]).values_list("input", flat=True)


def left_open(claimed: Sequence[Claimed], *, now: datetime) -> None:
    """Their tasks are over, and their jobs may go on: late.py asks what becomes of them."""
    if claimed:
        unheard = Attempt.objects.filter(token__in=[one.submit_token for one in claimed], late_outcome="")
        unheard.update(late_outcome=OPEN, ask_at=now + ASK_AFTER)


def interrupted(claimed: Sequence[Claimed], *, now: datetime) -> None:
    """Their jobs were cut off, and their tasks will be given others."""
    if claimed:
        mine = Attempt.objects.filter(token__in=[one.submit_token for one in claimed], late_outcome="")
        mine.update(late_outcome=INTERRUPTED, late_at=now)


def runs_before(claimed: Sequence[Claimed]) -> Mapping[UUID, int]:
    """How many jobs were begun for these tasks by earlier attempts; no query where there was none."""
    again = [one for one in claimed if one.row["attempts"] > 1]
    if not again:
        return {}
    begun = Attempt.objects.filter(task_id__in=[one.id for one in again], outcome__in=BEGUN, is_orphan=False)
    earlier = begun.exclude(token__in=[one.submit_token for one in again])
    return Counter(earlier.values_list("task_id", flat=True))


def heard_late(of: Claimed, outcome: Outcome, *, called: bool, now: datetime) -> bool:
    """What became of a job without a task; whether that is all there is to know. What was known before stays."""
    open = Attempt.objects.filter(token=of.submit_token, late_outcome=OPEN)
    if isinstance(outcome, Accepted):  # found only now; whoever asks next asks about the job itself
        open.update(outcome="accepted", handle=dict(outcome.handle), is_orphan=True, ask_at=now)
        return False
    columns = _late_columns(outcome, called)
    if not columns or not open.update(late_at=now, ask_at=None, **columns):
        return False
    if isinstance(outcome, Finished):
        log.warning("upstream job without a task: attempt %s finished after its task was given up", of.submit_token)
        flags.raise_late(_raised(of, outcome, "late_result"), now=now)
    return True


def came_late(late: Sequence[tuple[Claimed, Outcome]], *, now: datetime) -> None:
    """Accepts that could not move their tasks. One that its task does not follow is flagged for the operator: it may be paid for.

    Its own record may be gone: a database that was put back to a backup knows neither the task nor the attempt.
    """
    rows = Task.objects.filter(id__in=[claimed.id for claimed, _ in late]).values_list("id", "attempts", "status", "handle") if late else ()
    now_at = {id: now_at for id, *now_at in rows}
    raised = []
    for claimed, outcome in late:
        if reason := _why_not_followed(claimed, outcome, *now_at.get(claimed.id, (0, "", None))):
            log.warning("upstream job without a task: attempt %s was accepted after its task had moved on", claimed.submit_token)
            made = {"late_at": now, **_late_columns(outcome, called=False)} if isinstance(outcome, Finished) else {"ask_at": now}
            facts = {"is_orphan": True, "late_outcome": OPEN} | made
            if not Attempt.objects.filter(token=claimed.submit_token).update(**facts):
                if claimed.id in now_at:
                    continue  # it will be sent again under this very token, and the record written then
                _append(claimed, _columns(outcome) | facts, now)
            raised.append(_raised(claimed, outcome, reason))
    flags.raise_all(raised, now=now)


def caught_up(moved: Sequence[Claimed], *, now: datetime) -> None:
    """These tasks follow the jobs of their attempts: one that was called an orphan a moment ago is none."""
    if moved:
        flags.withdraw_orphans([claimed.submit_token for claimed in moved], now=now)


def _append(claimed: Claimed, facts: dict[str, Any], now: datetime) -> None:
    row = {name: claimed.row[name] for name in ("provider_id", "route_id", "credential_version")}
    Attempt.objects.create(task_id=claimed.id, token=claimed.submit_token, **row, **facts, intended_at=now, landed_at=now)


def _around(of: Claimed, at: datetime, within: timedelta) -> QuerySet:
    others = Attempt.objects.filter(provider_id=of.row["provider_id"], intended_at__range=(at - within, at + within))
    return others.exclude(token=of.submit_token)


def _trace(row: dict[str, Any]) -> Trace:
    accepted = Accepted(row["handle"]) if row["outcome"] == "accepted" else None
    return Trace(sent_at=row["intended_at"], accepted=accepted, called=row["called_at"] is not None, hint=row["hint"])


def _why_not_followed(claimed: Claimed, outcome: Outcome, attempts: int, status: str, handle: Any) -> str:
    """Why the task as it is now has nothing to do with the job; empty where it follows it, or did to its end.

    One that is about to find the accept that is recorded by now follows it too.
    """
    if attempts != claimed.row["attempts"]:
        return "orphan"
    if isinstance(outcome, Accepted) and handle is not None:
        return "" if handle == dict(outcome.handle) else "second_job"
    following = {"running", "storing", "succeeded"} | ({"submitting"} if isinstance(outcome, Accepted) else set())
    return "" if status in following else "orphan"


def _raised(claimed: Claimed, outcome: Outcome, reason: str) -> flags.Raised:
    return flags.Raised(
        task_id=claimed.id,
        account_id=claimed.row["account_id"],
        model=claimed.row["model"],
        reason=reason,
        token=claimed.submit_token,
        provider_id=claimed.row["provider_id"],
        handle=dict(outcome.handle) if isinstance(outcome, Accepted) else claimed.row["handle"],
        charged=getattr(outcome, "cost", None),
        has_result=isinstance(outcome, Finished),
    )


def _columns(outcome: Outcome) -> dict:
    match outcome:
        case Accepted(handle):
            return {"outcome": "accepted", "handle": dict(handle)} | FOLLOWED
        case Finished():
            return {"outcome": "finished", "upstream_cost": outcome.cost} | FOLLOWED
        case UpstreamError():
            return {"outcome": outcome.code, "message": outcome.message[:500]}
    return {"outcome": "not_found"}


def _late_columns(outcome: Outcome, called: bool) -> dict:
    """Columns of a late outcome; none where it says nothing final."""
    match outcome:
        case Finished(outputs, cost=cost):
            found = [one.as_json() for one in outputs if one.content is None]
            return {"late_outcome": "finished", "late_found": found, "upstream_cost": cost, "is_orphan": True}
        case Failed(error):
            return {"late_outcome": error.code}
        case Stopped():
            return {"late_outcome": "stopped"}
        case None if not called:
            return {"late_outcome": "not_found"}
    return {}
