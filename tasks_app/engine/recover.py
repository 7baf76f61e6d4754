"""Recovery: what an operator asked about is asked of its upstream, and a result is fetched and kept for the operator.

take   flags that are due
call   poll the job, or look for it by our token; never a submit, so nothing can be bought
land   the flag ends with what was kept, is asked about later, or goes back to the operator with what the upstream said

The task itself is not touched: whoever was told that it failed, and got the credits back, is told nothing else a day later.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from providers.errors import Invalid, NoOutput, NotFound, OutcomeUnknown, UpstreamError
from providers.outcomes import Accepted, Failed, Finished, Found, Running

from ..models import Attempt, Flag, Task
from . import decisions, flag_claims, flags, jobs, keep, lost, questions
from .clock import Clock
from .decisions import StoredOutput
from .pump import Pump
from .questions import Question
from .transactions import whole

WINDOW = 4  # calls open at once: few are asked, and each may be a large file to fetch
ASK_EVERY = timedelta(seconds=15)
LONGEST_WAIT = timedelta(minutes=10)
ASK_FOR = timedelta(days=1)  # then it is for the operator to ask again

NEVER_BOUGHT = "The upstream finds no such job: by all it says, nothing was bought."
NO_SUCH_JOB = "The upstream does not know this job."
NO_ANSWER = "The upstream gave no readable answer in a day of asking."
STILL_RUNNING = "The upstream was still at work on it after a day of asking."


@dataclass(frozen=True, slots=True)
class Asking(flag_claims.Claimed):
    """A claimed flag with what its call needs, read beforehand because the call may not touch the database."""

    question: Question | None


@dataclass(frozen=True, slots=True)
class Kept:
    """Every result that the upstream gave lies in our storage; `charged` is what it says they cost."""

    outputs: tuple[StoredOutput, ...]
    charged: float | None = None


Outcome = Kept | Accepted | Running | Failed | UpstreamError | None


def take(room: int, clock: Clock) -> list[Asking]:
    claimed = flag_claims.take(room, now=clock())
    rows = Flag.objects.in_bulk([one.id for one in claimed])
    asking = [Asking(one.row, one.taken, questions.of_flag(rows[one.id])) for one in claimed]
    return [one for one in asking if one.question]  # else its task is being deleted, and the flag let go


async def call(asking: Asking) -> Outcome:
    question = asking.question
    if question.found:
        try:
            return await _kept(asking, Finished(question.found))
        except UpstreamError:  # gone from where it was; the upstream may have it anew
            if not question.can_be_put:
                raise
    outcome = await _answer(question)
    return await _kept(asking, outcome) if isinstance(outcome, Finished) else outcome


def land(arrived: list[tuple[Asking, Outcome]], clock: Clock) -> None:
    whole(partial(_land, arrived, clock()))


async def _answer(question: Question):
    if question.job.handle is not None:
        return await question.adapter.poll(question.job)
    return await question.adapter.find(question.job)


async def _kept(asking: Asking, finished: Finished) -> Kept | Failed:
    """The results in our storage, none of them in the way of an output of the task's own."""
    if not finished.outputs:
        return Failed(NoOutput())
    key = flags.folder(asking.row["task_id"], asking.id)
    kept = [await _kept_one(asking, one, f"{key}/{position}") for position, one in enumerate(finished.outputs)]
    return Kept(tuple(kept), finished.cost)


async def _kept_one(asking: Asking, found: Found, key: str) -> StoredOutput:
    headers = jobs.headers_for(asking.question.adapter, found.url)
    return await keep.result(found.url, key, content=found.content, headers=headers)


def _land(arrived: list[tuple[Asking, Outcome]], now: datetime) -> None:
    for asking, outcome in sorted(arrived, key=lambda one: one[0].row["task_id"]):
        _land_one(asking, outcome, now)


def _land_one(asking: Asking, outcome: Outcome, now: datetime) -> None:
    flag, task = flags.locked(asking.id)
    if flag.lease_token != asking.token:  # the operator was faster
        if flag.ending:
            flags.forget_results(flag)
    elif isinstance(outcome, Kept):
        _end(flag, task, outcome, now)
    elif isinstance(outcome := _believed(asking, outcome, now), Accepted):
        _ask_later(flag, now, handle=dict(outcome.handle), tries=0)
    elif finding := _last_word(flag, outcome, now, called=asking.question.trace.called):
        _hand_back(flag, task, finding, now)
    else:
        wait = ASK_EVERY if isinstance(outcome, Running) else min(ASK_EVERY * 2 ** min(flag.tries, 6), LONGEST_WAIT)
        _ask_later(flag, now + wait, tries=flag.tries + 1)


def _believed(asking: Asking, outcome: Outcome, now: datetime) -> Outcome:
    """As late.py takes it: a look-up may lag, and a job that was found by likeness may be another attempt's."""
    question = asking.question
    if question.job.handle is None and not isinstance(outcome, Kept | Invalid):  # of what was found
        outcome = decisions.heard_again(outcome, question.facts, question.trace, now)
    if isinstance(outcome, Accepted):
        outcome = lost.undoubted([(question, outcome)]).get(question.submit_token, outcome)
    return outcome


def _last_word(flag: Flag, outcome: Outcome, now: datetime, *, called: bool) -> str:
    """What the operator is to be told; empty where asking goes on."""
    match outcome:
        case None if not called:
            return NEVER_BOUGHT
        case Failed(error):
            return f"It failed there: {error.message}"
        case NotFound():
            return NO_SUCH_JOB
        case Invalid(message=message):
            return f"Its result could not be kept: {message}."
        case Running() if now - flag.asked_at >= ASK_FOR:
            return STILL_RUNNING
        case None | OutcomeUnknown() if now - flag.asked_at >= ASK_FOR:
            return NO_ANSWER
        case UpstreamError(message=message) if now - flag.asked_at >= ASK_FOR:
            return message
    return ""


def _end(flag: Flag, task: Task | None, kept: Kept, now: datetime) -> None:
    """Whoever asked has the result. Where the engine fetched it by itself, nobody has seen yet that it is a loss: the flag stays open."""
    charged = kept.charged if kept.charged is not None else flag.charged
    known = {"handle": flag.handle} if flag.handle is not None else {}
    Attempt.objects.filter(token=flag.token).update(late_outcome="finished", late_at=now, ask_at=None, upstream_cost=charged, **known)
    flags.record(flag, task, now=now, by=flag.asked_by, recovered=len(kept.outputs), charged=charged)
    columns = {"kept": [asdict(output) for output in kept.outputs], "charged": charged, "finding": ""}
    if flag.asked_by:
        flags.end(flag, Flag.Ending.RECOVERED, by=flag.asked_by, now=now, note=flag.note, **columns)
    else:
        Flag.objects.filter(id=flag.id).update(due_at=None, lease_token=0, **columns)


def _hand_back(flag: Flag, task: Task | None, finding: str, now: datetime) -> None:
    flags.record(flag, task, now=now, by=flag.asked_by, found=finding)
    Flag.objects.filter(id=flag.id).update(due_at=None, lease_token=0, finding=finding[:500])


def _ask_later(flag: Flag, due_at: datetime, **columns: Any) -> None:
    Flag.objects.filter(id=flag.id).update(due_at=due_at, lease_token=0, **columns)


pump = Pump("recover", take, call, land, window=WINDOW, claims=flag_claims)
run = pump.run
