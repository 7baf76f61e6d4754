"""Flags: unknown outcomes and losses, raised by the engine and ended by an operator. The only writer of a task's `flagged`.

A task is flagged while one of its flags is open. Raising and ending both lock the task's row first, so neither misses the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from ..ids import shown
from ..models import Flag, Task, TaskEvent
from ..storage import storage
from . import loop
from .accept import Problem

OPEN = ""  # the ending of a flag that has none


@dataclass(frozen=True, slots=True)
class Raised:
    """What is to be looked at; `token` is the attempt's, `handle` the upstream job's where it is known."""

    task_id: UUID
    account_id: int
    model: str
    reason: str
    token: str
    provider_id: int | None
    handle: Any = None
    charged: float | None = None
    has_result: bool = False  # which is fetched at once, before it is gone there


def raise_all(raised: Sequence[Raised], *, now: datetime) -> None:
    """Open a flag for each; what was raised before, and perhaps ended since, stays as it is. In the caller's transaction."""
    if not raised:
        return
    Flag.objects.bulk_create([_row(one, now) for one in raised], ignore_conflicts=True)
    still_open = Flag.objects.filter(task_id__in=[one.task_id for one in raised], ending=OPEN)
    Task.objects.filter(id__in=sorted(set(still_open.values_list("task_id", flat=True)))).update(flagged=True)


def raise_late(late: Raised, *, now: datetime) -> None:
    """A result came too late: have it fetched, and tell of it, by the flag that is open already where there is one."""
    told = Flag.objects.filter(token=late.token, ending=OPEN)
    if not told.exists():
        raise_all([late], now=now)
    elif late.charged is not None:
        told.update(charged=late.charged)
    told.filter(due_at=None).update(**_fetched(now))


def open_by_reason() -> dict[str, int]:
    """How many flags are open, by reason, the most frequent first."""
    counted = Flag.objects.filter(ending=OPEN).values("reason").annotate(count=Count("id")).order_by("-count", "reason")
    return dict(counted.values_list("reason", "count"))


def locked(flag_id: int) -> tuple[Flag, Task | None]:
    """A flag and its task (None: deleted since), the task's row locked; in the caller's transaction. Raises Problem 404."""
    task_id = Flag.objects.filter(id=flag_id).values_list("task_id", flat=True).first()
    if task_id is None:
        raise Problem(404, "not_found", "There is no such flag.")
    task = Task.objects.select_for_update().filter(id=task_id).first()
    return Flag.objects.get(id=flag_id), task


def refuse_ended(flag: Flag) -> None:
    """Raises Problem 409 for a flag that was ended before, saying how and by whom."""
    if flag.ending:
        raise Problem(409, "flag_ended", f"This was ended before: {flag.ending}{f' by {flag.ended_by}' if flag.ended_by else ''}.")


def end(flag: Flag, ending: str, *, by: str, now: datetime, note: str = "", **columns: Any) -> None:
    """End an open flag whose task is locked, with what else is written to it; nothing is asked about it any more."""
    facts = {"ending": ending, "ended_at": now, "ended_by": by, "note": note, "due_at": None, "lease_token": 0, **columns}
    if not Flag.objects.filter(id=flag.id, ending=OPEN).update(**facts):  # the task was deleted: there is no lock to stand behind
        refuse_ended(Flag.objects.get(id=flag.id))
    flag.kept = columns.get("kept", flag.kept)
    transaction.on_commit(partial(forget_results, flag))
    _clear_mark(flag.task_id)


def end_all(task_id: UUID, ending: str, *, by: str, now: datetime, note: str = "") -> None:
    """End every open flag of a task; in the caller's transaction."""
    Task.objects.select_for_update().filter(id=task_id).values("id").first()
    for flag in Flag.objects.filter(task_id=task_id, ending=OPEN):
        end(flag, ending, by=by, now=now, note=note)


def withdraw_orphans(tokens: Iterable[str], *, now: datetime) -> None:
    """End the flags of orphans that are none after all: their tasks follow them now. In the caller's transaction."""
    for id in Flag.objects.filter(token__in=list(tokens), reason="orphan", ending=OPEN).values_list("id", flat=True):
        flag, _ = locked(id)
        end(flag, Flag.Ending.WITHDRAWN, by="", now=now)


def record(flag: Flag, task: Task | None, *, now: datetime, by: str, **detail: Any) -> None:
    """Append an event to the task that the flag is about, where it is still there: its status stays."""
    if task:
        about = {"attempt": flag.token, "reason": flag.reason}
        event = TaskEvent(task_id=task.id, status=task.status, detail=detail | about, by=by, created_at=now)
        event.save(force_insert=True)


def folder(task_id: UUID, flag_id: int) -> str:
    """Where results that are fetched for a flag lie in our storage."""
    return f"recovered/{shown('task', task_id)}/{flag_id}"


def forget_results(flag: Flag) -> None:
    """Delete what was fetched for a flag that ended without it."""
    if not flag.kept:
        loop.start(storage.forget(folder(flag.task_id, flag.id)))


def _clear_mark(task_id: UUID) -> None:
    """Take the mark off a task that has no open flag left, and let go of results that were left in storage for one."""
    if Flag.objects.filter(task_id=task_id, ending=OPEN).exists():
        return
    Task.objects.filter(id=task_id).update(flagged=False)
    if Task.objects.filter(id=task_id).exclude(finished_at=None).exists():
        transaction.on_commit(partial(_forget, task_id))


def _forget(task_id: UUID) -> None:
    loop.start(storage.forget(f"found/{shown('task', task_id)}"))


def _fetched(now: datetime) -> dict[str, Any]:
    """Columns of a flag that the engine asks about by itself."""
    return {"due_at": now, "asked_at": now, "asked_by": "", "tries": 0}


def _row(one: Raised, now: datetime) -> Flag:
    return Flag(
        task_id=one.task_id,
        account_id=one.account_id,
        model=one.model,
        reason=one.reason,
        token=one.token,
        provider_id=one.provider_id,
        handle=one.handle,
        charged=one.charged,
        raised_at=now,
        **(_fetched(now) if one.has_result else {}),
    )
