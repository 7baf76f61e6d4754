"""Link: the operator found a task's job in the provider's console, and says which it is.

A live task whose submit is in doubt goes on with that job. One that is over stays as it is: its client was told, has the credits
back and may have bought it elsewhere by now. What the job made is fetched and kept for the operator (recover.py).
"""

import json
from collections.abc import Mapping
from concurrent.futures import TimeoutError as Late
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

from providers import directory
from providers.adapters import Adapter, Named
from providers.errors import Invalid, NotFound, UpstreamError

from ..models import Attempt, Flag, Task
from . import ask_again, claims, flags, lifecycle, loop, questions
from .accept import Problem
from .attempts import FOLLOWED
from .decisions import Move
from .transactions import whole

Handle = Mapping[str, Any]
Did = Literal["running", "asked"]

NEAR = timedelta(days=1)  # before and after: whoever else could have this job bought it at about the same time
PATIENCE_S = 20.0


def request(flag_id: int, text: str, *, by: str, note: str, now: datetime) -> Did:
    """Link a flag to the job whose id, or handle as JSON, is `text`: its task is "running" with it, or it is "asked" for its result.

    The upstream is asked first whether it has such a job; where it gives no answer, the operator's word counts. Linking the same
    job twice is harmless. Raises Problem 404; 409 where the flag was ended, or the job is another's; 422 for what is no handle.
    """
    flag = Flag.objects.filter(id=flag_id).first()
    if flag is None:
        raise Problem(404, "not_found", "There is no such flag.")
    flags.refuse_ended(flag)
    if (question := questions.of_flag(flag)) is None:
        raise Problem(409, "nothing_to_link", "Its task, or the record of its submit, is gone: mark this as lost.")
    if flag.reason == "usage_unknown":
        raise Problem(409, "nothing_to_link", "Its task has its job and its result already.")
    handle = _read(flag, question.adapter, text.strip())
    _check(flag, handle)
    return whole(partial(_request, flag_id, handle, by, note, now))


def runs_on(flag: Flag, task: Task | None) -> bool:
    """Whether the task is still in doubt about this very submit, and would go on with a job that it is linked to."""
    return task is not None and task.status == "submitting" and claims.submit_token(task.id, task.attempts) == flag.token


def _read(flag: Flag, adapter: Adapter, text: str) -> Handle:
    """The handle that was entered as JSON, or as the id that the adapter makes one of."""
    if text.startswith("{"):
        return _parsed(text)
    if not isinstance(adapter, Named):
        raise Problem(422, "invalid_handle", f"An id is not enough for {_name(flag)}: give the handle as JSON{_example(flag)}.")
    try:
        return adapter.handle_of(text)
    except Invalid as error:
        raise Problem(422, "invalid_handle", error.message) from error


def _parsed(text: str) -> Handle:
    try:
        handle = json.loads(text)
    except ValueError:
        raise Problem(422, "invalid_handle", "This begins like JSON, and is none.") from None
    if not handle:
        raise Problem(422, "invalid_handle", "A handle with nothing in it names no job.")
    return handle


def _example(flag: Flag) -> str:
    """The shape of a handle that the same provider gave lately, without its values."""
    lately = Attempt.objects.order_by("-id").values_list("provider_id", "handle")[:200]
    known = next((handle for provider_id, handle in lately if provider_id == flag.provider_id and isinstance(handle, dict)), None)
    return f", as in {json.dumps(dict.fromkeys(known, '…'), ensure_ascii=False)}" if known else ""


def _check(flag: Flag, handle: Handle) -> None:
    """Ask the upstream about the job. Only what says that it cannot be this one refuses it."""
    question = questions.of_flag(flag, handle=handle)
    asked = loop.start(question.adapter.poll(question.job))
    try:
        asked.result(PATIENCE_S)
    except NotFound:
        raise Problem(409, "no_such_job", f"{_name(flag)} does not know this job; nothing was linked.") from None
    except UpstreamError:
        return
    except Late:
        asked.cancel()
    except (LookupError, TypeError, ValueError, AttributeError):  # the adapter did not find in it what it needs
        raise Problem(422, "invalid_handle", f"This is no handle of {_name(flag)}{_example(flag)}.") from None


def _request(flag_id: int, handle: Handle, by: str, note: str, now: datetime) -> Did:
    flag, task = flags.locked(flag_id)
    flags.refuse_ended(flag)
    if flag.due_at is not None and flag.handle == handle:
        return "asked"
    attempt = Attempt.objects.filter(token=flag.token).first()
    _refuse_others(flag, attempt, handle)
    if runs_on(flag, task):
        _run_on(flag, task, handle, by, note, now)
        return "running"
    ask_again.begin(flag, by=by, note=note, now=now, handle=handle)
    flags.record(flag, task, now=now, by=by, linked=handle, note=note)
    return "asked"


def _refuse_others(flag: Flag, attempt: Attempt | None, handle: Handle) -> None:
    """A job is one attempt's: linked to another's, one client would get what was made for another."""
    others = Flag.objects.filter(provider=flag.provider_id, handle=handle).exclude(id=flag.id).exclude(token=flag.token)
    if attempt:
        if attempt.handle is not None and attempt.handle != handle:
            raise Problem(409, "handle_known", "The upstream itself said which job this attempt is: ask it again instead.")
        at = attempt.intended_at
        near = Attempt.objects.filter(provider=attempt.provider_id, intended_at__range=(at - NEAR, at + NEAR), handle=handle)
        if other := near.exclude(id=attempt.id).first():
            raise Problem(409, "job_of_another", f"This is the job of another attempt: {other.token}.")
    if other := others.first():
        raise Problem(409, "job_of_another", f"This is the job of another attempt: {other.token}.")


def _run_on(flag: Flag, task: Task, handle: Handle, by: str, note: str, now: datetime) -> None:
    """submitting → running, unless a worker is at it: what that one hears would then belong to nobody."""
    if task.lease_token:
        raise Problem(409, "being_asked", "A worker is asking about this submit just now: try again in a minute.")
    step = lifecycle.Step(claims.read(task.id), Move("running", due_at=now, handle=handle), by=by)
    if not lifecycle.advance([step], now=now):
        raise Problem(409, "being_asked", "The task is changing just now: try again in a minute.")
    Attempt.objects.filter(token=flag.token).update(outcome="accepted", message="", handle=handle, landed_at=now, **FOLLOWED)
    flags.record(flag, Task.objects.get(id=task.id), now=now, by=by, linked=handle, note=note)
    flags.end(flag, Flag.Ending.LINKED, by=by, now=now, note=note, handle=handle)


def _name(flag: Flag) -> str:
    try:
        return directory.provider(flag.provider_id).name
    except LookupError:
        return "the provider"
