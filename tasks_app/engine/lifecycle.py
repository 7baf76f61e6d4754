"""The table of transitions, and the only writer of `status`.

queued ─► submitting ─► running ─► storing ─► succeeded
  ▲           │  └─────────│────────► ▲   └─► failed
  └───────────┴────────────┘   and from each of the first three ─► failed, canceled, expired
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce

from providers import metering
from providers.directory import RouteSnapshot

from .. import inputs, metrics, render
from ..ids import shown
from ..models import Output, Task, TaskEvent
from ..storage import storage
from ..watch import news
from ..webhooks import events, outbox
from . import attempts, flags, lanes, loop, settle, wake
from .claims import LEASE, Claimed, held
from .decisions import Decision, Move, Stay
from .transactions import whole

TRANSITIONS = {
    "queued": {"submitting", "failed", "canceled", "expired"},
    "submitting": {"queued", "running", "storing", "failed", "canceled", "expired"},
    "running": {"queued", "storing", "failed", "canceled", "expired"},
    "storing": {"succeeded", "failed"},
}
TERMINAL = {"succeeded", "failed", "canceled", "expired"}
OPEN = {"submitting", "running"}  # an upstream job may be open: these take a provider's slot
INLINE = "storage:"  # how `found` names a result whose bytes came in an answer
APART = timedelta(seconds=1)  # a job is asked about once in this time, however often its upstream calls
NEXT_STEP = {"queued": "submit", "running": "poll", "storing": "store"}


@dataclass(frozen=True, slots=True)
class Step:
    """A claimed row and what was decided for it; `by` names the person who asked for it, if one did."""

    claimed: Claimed
    decision: Decision
    by: str = ""


def advance(steps: Sequence[Step], *, now: datetime) -> set[UUID]:
    """Carry out decisions in one transaction, each only where its claim still holds; returns the ids of the tasks that moved."""
    return whole(partial(_advance, steps, now)) if steps else set()


def begin(ids: Sequence[UUID], token: int, route: RouteSnapshot, credential_version: int, *, now: datetime) -> None:
    """queued → submitting for those of `ids` that are still queued and due: the intent, inside the caller's transaction."""
    Task.objects.filter(id__in=sorted(ids), status="queued", due_at__lte=now).update(
        status="submitting",
        lane=lanes.NONE,
        lease_token=token,
        due_at=now + LEASE,
        provider=route.provider_id,
        route=route.id,
        credential_version=credential_version,
        attempts=F("attempts") + 1,
        started_at=Coalesce("started_at", now),
        updated_at=now,
    )


def record(tasks: Sequence[UUID], status: str, *, now: datetime, detail: dict | None = None, by: str = "") -> None:
    """Append one event for each task: a change of status, or what somebody asked for (`detail` says what) in this status."""
    TaskEvent.objects.bulk_create(TaskEvent(task_id=id, status=status, detail=detail or {}, by=by, created_at=now) for id in tasks)


def _advance(steps: Sequence[Step], now: datetime) -> set[UUID]:
    stays = [step for step in steps if isinstance(step.decision, Stay)]
    moves = sorted((step for step in steps if isinstance(step.decision, Move)), key=lambda step: step.claimed.id)
    further = _stay(stays, now)
    outputs = {step.claimed.id: _outputs(step, now) for step in moves}
    moved = [done for step in moves if (done := _moved(step, outputs[step.claimed.id], now))]
    TaskEvent.objects.bulk_create(_event(step, now) for step in moved)
    Output.objects.bulk_create(output for step in moved for output in outputs[step.claimed.id])
    had_begun = attempts.runs_before([step.claimed for step in moved if _begins(step)])
    if outbox.queue([told for step in moved if (told := _told(step, had_begun))], now=now):
        transaction.on_commit(partial(wake.wake, "notify"))
    ended = [step for step in moved if step.decision.status in TERMINAL]
    flags.raise_all([_raised(step) for step in ended if step.decision.flag], now=now)
    settle.settle([(step.claimed, step.decision) for step in ended], now=now)
    attempts.left_open([step.claimed for step in ended if step.decision.job_goes_on], now=now)
    attempts.interrupted([step.claimed for step in moved if _is_over_there(step)], now=now)
    for step in ended:
        transaction.on_commit(partial(_forget_leftovers, step))
        transaction.on_commit(metrics.ENDED.labels(step.claimed.row["model"], step.decision.status).inc)
    for step_name in _woken(moved):
        transaction.on_commit(partial(wake.wake, step_name))
    if moved or further:
        transaction.on_commit(partial(news.tell, {step.claimed.row["account_id"] for step in moved}, further))
    return {step.claimed.id for step in moved}


def _forget_leftovers(step: Step) -> None:
    """Delete what only the task's way needed: fetched inputs, and results that came inline and now lie under outputs.

    Of a flagged task those results may be all that is left of what was paid: they stay until its flags are ended.
    """
    task = step.claimed
    inputs.forget(task.id)
    if step.decision.flag and step.decision.status != "succeeded":
        return
    if task.row["status"] == "submitting" or any(one["url"].startswith(INLINE) for one in task.row["found"] or ()):
        # Not in this thread: a bucket may take seconds, or hang, and outcomes wait to be written.
        loop.start(storage.forget(f"found/{shown('task', task.id)}"))


def _woken(moved: Sequence[Step]) -> set[str]:
    """The steps that have work after these moves; a job that left its provider also leaves a free slot."""
    names = {NEXT_STEP[step.decision.status] for step in moved if step.decision.status in NEXT_STEP}
    return names | {"submit" for step in moved if step.claimed.row["status"] in OPEN and step.decision.status != "running"}


def _stay(steps: Sequence[Step], now: datetime) -> dict[UUID, tuple[int, float]]:
    """Rows that stay are written together: those that share all that is written share one UPDATE. Returns the progress that was made."""
    groups: dict[tuple, list[Claimed]] = {}
    for step in steps:
        groups.setdefault(_stay_columns(step), []).append(step.claimed)
    further = {}
    for columns, claimed in groups.items():
        columns = dict(columns)
        # MySQL assigns from left to right: `called` is read before it is overwritten.
        due_at = _unless_called(columns.pop("due_at"), now)
        written = held(claimed).update(due_at=due_at, called=False, lease_token=0, lost_claims=0, **columns)
        if "progress" in columns and written == len(claimed):  # else some moved on, and are not to be told back
            further |= {one.id: (one.row["account_id"], columns["progress"]) for one in claimed}
    return further


def _unless_called(due_at: datetime, now: datetime) -> Case:
    """`due_at`, or very soon where a callback came while the worker was asking: what it heard may be older than that."""
    return Case(When(called=True, then=Value(min(due_at, now + APART))), default=Value(due_at))


def _stay_columns(step: Step) -> tuple:
    stay, row = step.decision, step.claimed.row
    columns = {"due_at": stay.due_at, "tries": stay.tries, "unseen_since": stay.unseen_since}
    # A bar that moves by less than 5 % is not worth a write to the row.
    if stay.progress is not None and abs(stay.progress - row["progress"]) >= 0.05:
        columns["progress"] = stay.progress
    return tuple(columns.items())


def _moved(step: Step, outputs: Sequence[Output], now: datetime) -> Step | None:
    """What was carried out of a step; None where its claim does not hold any more."""
    if _move(step, outputs, now):
        return step
    # Its client said stop while the call was open, and was told that this holds: it must not wait to be bought again.
    instead = replace(step, decision=Move("canceled"))
    return instead if step.decision.status == "queued" and _move(instead, (), now) else None


def _move(step: Step, outputs: Sequence[Output], now: datetime) -> bool:
    claimed, move = step.claimed, step.decision
    if move.status not in TRANSITIONS.get(claimed.row["status"], ()):
        raise AssertionError(f"{claimed.row['status']} → {move.status} is not in the table of transitions")
    # The lane as well: let in since it was read, a parked task has a slot by now, and settling would not give that back.
    mine = Task.objects.filter(id=claimed.id, lease_token=claimed.token, status=claimed.row["status"], lane=claimed.row["lane"])
    if move.status == "queued":
        mine = mine.filter(cancel_requested_at=None)
    return mine.update(**_columns(step, outputs, now)) == 1


def _columns(step: Step, outputs: Sequence[Output], now: datetime) -> dict:
    move = step.decision
    due_at = _unless_called(move.due_at, now) if move.status == "running" else move.due_at
    columns = {"status": move.status, "due_at": due_at, "called": False, "lease_token": 0, "lost_claims": 0, "tries": move.tries}
    columns |= {"lane": _lane(step), "updated_at": now}
    if move.status == "queued":
        columns |= {"avoid": move.avoid, "provider": None, "route": None, "handle": None, "progress": 0, "unseen_since": None}
    if move.handle is not None:
        columns["handle"] = move.handle
    if move.found is not None:
        columns |= {"found": [one.as_json() for one in move.found.outputs], "used": metering.readable(move.found.usage)}
    if move.warnings:
        columns["warnings"] = [*step.claimed.row["warnings"], *move.warnings]
    if move.status in TERMINAL:
        columns |= {"captured": move.captured, "finished_at": now} | _error_columns(move)
    if move.status == "succeeded":
        columns |= {"progress": 1, "outputs_shown": render.outputs(outputs)}
    return columns


def _lane(step: Step) -> str:
    row = step.claimed.row
    return lanes.working_lane(row["model"], row["priority"]) if step.decision.status == "queued" else lanes.NONE


def _error_columns(move: Move) -> dict:
    error = move.error
    if error is None:
        return {}
    return {
        "error_code": error.code,
        "error_message": error.told[:500],
        "error_field": (error.field or "")[:100],
        "retryable": error.retryable,
    }


def _event(step: Step, now: datetime) -> TaskEvent:
    move = step.decision
    detail = {"code": move.error.code, "message": move.error.message[:500]} if move.error else {}
    if move.doubts:
        detail |= {"doubts": list(move.doubts)}
    return TaskEvent(task_id=step.claimed.id, status=move.status, detail=detail, by=step.by, created_at=now)


def _raised(step: Step) -> flags.Raised:
    row = step.claimed.row
    return flags.Raised(
        task_id=row["id"],
        account_id=row["account_id"],
        model=row["model"],
        reason=step.decision.error.code if step.decision.error else "usage_unknown",
        token=step.claimed.submit_token,
        provider_id=row["provider_id"],
        handle=row["handle"],
    )


def _told(step: Step, had_begun: Mapping[UUID, int]) -> outbox.Happened | None:
    """What webhooks tell of this move, if they tell of it. A task starts once, however often it is begun anew."""
    row, status = step.claimed.row, step.decision.status
    if status in TERMINAL:
        return outbox.Happened(row["id"], row["account_id"], f"task.{status}", row["webhook_url"])
    if _begins(step) and not had_begun.get(row["id"]):
        return outbox.Happened(row["id"], row["account_id"], events.STARTED, row["webhook_url"])
    return None


def _begins(step: Step) -> bool:
    return step.claimed.row["status"] == "submitting" and step.decision.status in ("running", "storing")


def _is_over_there(step: Step) -> bool:
    """Whether the task waits for another job because its upstream says that this one was cut off."""
    return step.claimed.row["status"] == "running" and step.decision.status == "queued"


def _outputs(step: Step, now: datetime) -> list[Output]:
    claimed = step.claimed
    return [
        Output(
            task_id=claimed.id,
            account_id=claimed.row["account_id"],
            position=position,
            type=one.type,
            content_type=one.content_type,
            bytes=one.bytes,
            sha256=one.sha256,
            width=one.width,
            height=one.height,
            duration=one.duration,
            key=one.key,
            thumbnail_key=one.thumbnail_key,
            created_at=now,
        )
        for position, one in enumerate(step.decision.outputs)
    ]
