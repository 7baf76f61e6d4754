"""Asking again: the way out of quarantine, and of every other flag whose upstream can still be asked.

It never submits, so it can buy nothing; what is found is kept for the operator (recover.py).
"""

from datetime import datetime
from functools import partial

from ..models import Attempt, Flag
from . import flags, questions
from .accept import Problem
from .transactions import whole


def request(flag_id: int, *, by: str, note: str, now: datetime) -> None:
    """Have the upstream asked about a flag's job, and its result kept. While it is being asked already, this changes nothing.

    Raises Problem 404, or 409 where the flag was ended or there is nothing to ask by.
    """
    whole(partial(_request, flag_id, by, note, now))


def _request(flag_id: int, by: str, note: str, now: datetime) -> None:
    flag, task = flags.locked(flag_id)
    flags.refuse_ended(flag)
    if flag.due_at is not None:
        return
    question = questions.of_flag(flag)
    if question is None:
        raise Problem(409, "nothing_to_ask_by", "Its task, or the record of its submit, is gone: mark this as lost.")
    if flag.reason == "usage_unknown":
        raise Problem(409, "nothing_to_ask_for", "Its client has the result already.")
    if not (question.found or question.can_be_put):
        raise Problem(409, "nothing_to_ask_by", "The upstream gave no handle, and cannot look for a job of ours: link the job instead.")
    begin(flag, by=by, note=note, now=now)
    flags.record(flag, task, now=now, by=by, asked="upstream", note=note)


def begin(flag: Flag, *, by: str, note: str, now: datetime, **columns) -> None:
    """Make an open flag due for recovery, whoever holds it, and keep late.py from stopping the job; in the caller's transaction."""
    Attempt.objects.filter(token=flag.token).update(ask_at=None)
    asked = {"asked_at": now, "asked_by": by, "note": note, "finding": "", "due_at": now, "lease_token": 0, "tries": 0}
    Flag.objects.filter(id=flag.id, ending=flags.OPEN).update(**asked, **columns)
