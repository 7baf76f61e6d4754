"""What happens next: pure functions of (task, outcome, facts, now). No Django, no clock, no dice: jitter comes from the task's id."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from providers import metering
from providers.errors import Interrupted, Invalid, NoOutput, NotAccepted, NotFound, OutcomeUnknown, Refused, UpstreamError
from providers.outcomes import Accepted, Facts, Failed, Finished, Running

LONGEST_WAIT = timedelta(minutes=5)
UNSEEN_FOR = timedelta(minutes=2)  # how long 404s must last before they are believed
UNSEEN_TIMES = 3
LOST_CLAIMS = 3
MOST_RUNS = 3  # jobs begun for one task, each where the one before was interrupted: what ends them may be the request after all
POLLS_OF_A_JOB = 50  # so its end is heard of by a fiftieth of its time late, however long it takes
SLOWEST_PACE = timedelta(seconds=30)  # by that rule; a client looks at its progress


class Expired(UpstreamError):
    """The task was not done by its deadline."""

    code = "expired"
    retryable = True
    is_for_clients = True


class ResultLost(UpstreamError):
    """The result was made, but it could not be fetched before the upstream deleted it."""

    code = "result_lost"
    retryable = True
    is_for_clients = True


class Quarantined(UpstreamError):
    """The task's worker died three times; an operator will look at it."""

    code = "quarantined"
    is_for_clients = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The part of a task's row that decisions rest on."""

    id: UUID
    status: str
    provider_id: int | None
    tries: int
    lost_claims: int
    expected_outputs: int
    hold: int
    created_at: datetime
    deadline_at: datetime
    unseen_since: datetime | None
    cancel_requested: bool
    terms: metering.Terms | None = None  # where the price rests on usage
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trace:
    """What is recorded of an attempt, whoever wrote it; `hint` is the handle that a callback named, and proves nothing by itself."""

    sent_at: datetime
    accepted: Accepted | None = None
    called: bool = False  # its upstream has called about it, so it has a job
    hint: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The upstream was told to stop the job; `free` says that nothing is charged for it."""

    free: bool


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """One result that lies in our storage."""

    type: str
    content_type: str
    bytes: int
    sha256: str
    key: str
    thumbnail_key: str = ""
    width: int | None = None
    height: int | None = None
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """Every result that the upstream gave lies in our storage."""

    outputs: tuple[StoredOutput, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """A change of status, and what is written with it."""

    status: str
    due_at: datetime | None = None
    error: UpstreamError | None = None
    handle: Mapping[str, Any] | None = None
    found: Finished | None = None
    outputs: tuple[StoredOutput, ...] = ()
    captured: int = 0
    avoid: int | None = None
    tries: int = 0
    warnings: tuple[str, ...] = ()
    flag: bool = False
    job_goes_on: bool = False  # the upstream may still make it, for nobody
    doubts: tuple[str, ...] = ()  # what of the usage could not be taken as it was told


@dataclass(frozen=True, slots=True)
class Stay:
    """The status stays; the row is due again at `due_at`."""

    due_at: datetime
    tries: int = 0
    progress: float | None = None
    unseen_since: datetime | None = None


Decision = Move | Stay
Outcome = Accepted | Finished | Running | Failed | Stopped | Stored | UpstreamError | None


def after_submit(
    task: Snapshot,
    outcome: Outcome,
    facts: Facts,
    now: datetime,
    *,
    trace: Trace | None = None,
    elsewhere: bool = False,
    runs_before: int = 0,
) -> Decision:
    """What a submit, or a look-up of a lost one, led to; None: the look-up says that surely nothing was bought.

    `elsewhere`: another provider serves the task's model too, so the patience that this one asked for is not the task's.
    `runs_before`: jobs that were begun for the task before this one.
    """
    trace = trace or Trace(sent_at=now)
    match outcome:
        case Accepted(handle):
            return Move("running", due_at=_first_poll(task, facts, trace, now), handle=handle)
        case Finished():
            return _finished(outcome, now)
        case None | NotAccepted():
            return _again(task, outcome, now, elsewhere)
        case Interrupted():
            return _anew(task, outcome, now, runs_before)
        case OutcomeUnknown() if now < _hopes_until(task, facts, trace, now):
            return Stay(due_at=_asks_again_at(task, outcome, facts, trace, now), tries=task.tries + 1)
        case OutcomeUnknown():
            # A second send could buy the same thing twice; only the operator may decide that.
            return Move("failed", error=outcome, flag=True, job_goes_on=True)
        case UpstreamError():
            return Move("failed", error=outcome)
    raise AssertionError(f"no submit ends in {outcome!r}")


def heard_again(outcome: Outcome, facts: Facts, trace: Trace, now: datetime) -> Outcome:
    """What the answer to a second question about a submit says of the first one: that it could not be asked says nothing, and that the
    upstream knows no job says nothing yet where it may still show one.
    """
    match outcome:
        case None if now < trace.sent_at + facts.shows_within:
            return OutcomeUnknown("The upstream shows no such job yet.")
        case Refused() if "replays" in facts.recovery:
            return outcome  # it would have answered with the job, had it one
        case UpstreamError(retry_after=retry_after):
            return OutcomeUnknown(retry_after=retry_after)
    return outcome


def weighed(outcome: Outcome, trace: Trace) -> Outcome:
    """The outcome in the light of the attempt's record: an accept that another worker heard counts, and what was called about is there."""
    match outcome:
        case Accepted() | Finished():
            return outcome
        case _ if trace.accepted:
            return trace.accepted
        case None | NotAccepted() if trace.called:
            return OutcomeUnknown("The upstream did not confirm the request, and called about it: it may have been bought.")
    return outcome


def after_poll(
    task: Snapshot, outcome: Outcome, facts: Facts, now: datetime, *, typical: timedelta | None = None, runs_before: int = 0
) -> Decision:
    """What a poll led to. Only a readable answer with a known terminal status is a verdict.

    `typical`: how long such jobs took lately; None: not known. `runs_before`: as for a submit.
    """
    match outcome:
        case Finished():
            return _finished(outcome, now)
        case Failed(Interrupted() as error):
            return _anew(task, error, now, runs_before)
        case Failed(error):
            return Move("failed", error=error)
        case Stopped(free):
            captured = 0 if free else task.hold
            return Move("canceled", captured=captured) if task.cancel_requested else Move("expired", error=Expired(), captured=captured)
        case NotFound() if _is_gone(task, now):
            return Move("failed", error=outcome, flag=True, job_goes_on=True)
        case _ if now >= task.deadline_at:
            return Move("expired", error=Expired(), job_goes_on=True)
        case Running(progress):
            return Stay(due_at=_next_poll(task, facts, now, typical), progress=progress)
        case NotFound():
            in_a_row = task.tries + 1 if task.unseen_since else 1
            return Stay(due_at=_later(task, outcome, now), tries=in_a_row, unseen_since=task.unseen_since or now)
        case UpstreamError():
            return Stay(due_at=_later(task, outcome, now), tries=task.tries + 1)
    raise AssertionError(f"no poll ends in {outcome!r}")


def after_store(task: Snapshot, outcome: Outcome, lives_until: datetime, now: datetime) -> Decision:
    """What fetching and keeping the results led to. Generation is paid, so nothing here ever submits again."""
    match outcome:
        case Stored(outputs):
            short = (f"{len(outputs)} of {task.expected_outputs} outputs were made.",) if len(outputs) < task.expected_outputs else ()
            captured, doubts = _captured(task, len(outputs))
            return Move("succeeded", outputs=outputs, captured=captured, warnings=short, doubts=doubts, flag=bool(doubts))
        case Invalid():  # gone, or not what we keep: fetching it again gives the same
            return Move("failed", error=ResultLost(f"The result could not be kept: {outcome.message}"), flag=True)
        case UpstreamError() if now + (wait := backoff(task, outcome)) < lives_until:
            return Stay(due_at=now + wait, tries=task.tries + 1)
        case UpstreamError():
            return Move("failed", error=ResultLost(), flag=True)
    raise AssertionError(f"no storing ends in {outcome!r}")


def after_lost_claims(task: Snapshot) -> Move | None:
    """A task whose worker died again and again is taken out before it takes another one down."""
    return Move("failed", error=Quarantined(), flag=True) if task.lost_claims >= LOST_CLAIMS else None


def is_suspect(task: Snapshot) -> bool:
    """Whether the next worker that dies with this task is its last."""
    return task.lost_claims == LOST_CLAIMS - 1


def stop_wanted(task: Snapshot, facts: Facts, now: datetime) -> bool:
    """Whether the job should be stopped at the upstream now: the client said so, or its time is up and stopping is free."""
    if task.cancel_requested:
        return facts.cancel != "unsupported"
    return now >= task.deadline_at and facts.cancel == "free"


def backoff(task: Snapshot, outcome: Outcome) -> timedelta:
    """1 s, 2 s, 4 s … 5 min, each ± 20 %; longer where the upstream named a time."""
    wait = min(timedelta(seconds=2 ** min(task.tries, 9)), LONGEST_WAIT) * jitter(task.id, task.tries)
    asked = getattr(outcome, "retry_after", None)
    return max(wait, timedelta(seconds=asked)) if asked else wait


def jitter(id: UUID, salt: int) -> float:
    """A factor between 0.8 and 1.2, the same for the same task and salt."""
    return 0.8 + ((id.int & 0xFFFF) * 2654435761 + salt * 40503) % 4097 / 10240


def _finished(outcome: Finished, now: datetime) -> Move:
    if not outcome.outputs:
        return Move("failed", error=NoOutput())
    return Move("storing", due_at=now, found=outcome, warnings=outcome.warnings)


def _captured(task: Snapshot, delivered: int) -> tuple[int, tuple[str, ...]]:
    """What the outputs that came cost: by usage where the price rests on it, and never more than their share of the hold."""
    share = min(-(-task.hold * delivered // max(task.expected_outputs, 1)), task.hold)
    if task.terms is None:
        return share, ()
    bill = metering.bill(task.terms, task.usage)
    return min(bill.credits, share), bill.doubts


def _again(task: Snapshot, outcome: NotAccepted | Interrupted | None, now: datetime, elsewhere: bool) -> Move:
    if task.cancel_requested:
        return Move("canceled")
    due_at = now + backoff(task, None if elsewhere else outcome)
    if due_at >= task.deadline_at:
        return Move("expired", error=Expired(outcome.told) if outcome else Expired())
    return Move("queued", due_at=due_at, avoid=task.provider_id if outcome else None, tries=task.tries + 1)


def _anew(task: Snapshot, fault: Interrupted, now: datetime, runs_before: int) -> Move:
    """Another job, unless nobody waits for it any more, or it was tried often enough."""
    if runs_before + 1 >= MOST_RUNS and not task.cancel_requested:
        return Move("failed", error=fault)
    move = _again(task, fault, now, elsewhere=False)
    return replace(move, error=fault) if move.status == "queued" else move


def _later(task: Snapshot, outcome: UpstreamError, now: datetime) -> datetime:
    """When to ask again: after a while, and no later than at the deadline, whatever the upstream would like."""
    return min(now + backoff(task, outcome), task.deadline_at)


def _first_poll(task: Snapshot, facts: Facts, trace: Trace, now: datetime) -> datetime:
    if task.cancel_requested or trace.called:  # what its upstream called about may have been its end
        return now
    return min(max(trace.sent_at + facts.first_poll, now), task.deadline_at)


def _hopes_until(task: Snapshot, facts: Facts, trace: Trace, now: datetime) -> datetime:
    """Until when an unknown outcome may still become known: for as long as the upstream can be asked, or may call."""
    if facts.can_ask_again:
        return task.deadline_at
    return min(trace.sent_at + facts.calls_within, task.deadline_at) if facts.calls_back else now


def _asks_again_at(task: Snapshot, outcome: UpstreamError, facts: Facts, trace: Trace, now: datetime) -> datetime:
    hopes_until = _hopes_until(task, facts, trace, now)
    # Who can only call has nothing to be asked about before it did; a call makes the row due.
    return min(_later(task, outcome, now), hopes_until) if facts.can_ask_again or trace.hint else hopes_until


def _is_gone(task: Snapshot, now: datetime) -> bool:
    return task.unseen_since is not None and task.tries + 1 >= UNSEEN_TIMES and now - task.unseen_since >= UNSEEN_FOR


def _next_poll(task: Snapshot, facts: Facts, now: datetime, typical: timedelta | None) -> datetime:
    """Old jobs, and those that take long, are asked about less often. Rounded to 0.1 s, so that rows that stay can share one UPDATE.

    Where an upstream tells of many jobs in one call, its rows fall due together, at whole multiples of their pace.
    """
    age = now - task.created_at
    slower = facts.pace * (1 if age < timedelta(minutes=5) else 2 if age < timedelta(minutes=30) else 4)
    wait = max(slower, min((typical or timedelta(0)) / POLLS_OF_A_JOB, SLOWEST_PACE))
    if facts.batch > 1:
        return min(_next_multiple(wait, now + wait / 2), task.deadline_at)
    due_at = min(now + wait * jitter(task.id, int(age.total_seconds())), task.deadline_at)
    return due_at.replace(microsecond=due_at.microsecond // 100_000 * 100_000) + timedelta(microseconds=100_000)


def _next_multiple(span: timedelta, moment: datetime) -> datetime:
    """The first moment from this one on that whole spans lead to from the year 1."""
    return moment + (-(moment - datetime.min.replace(tzinfo=moment.tzinfo)) % span)
