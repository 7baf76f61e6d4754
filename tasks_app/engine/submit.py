"""queued → submitting → running: buy each task once.

take   rows with a free slot, each with its intent committed; and what a dead worker left in `submitting`
call   inputs gathered, then one paid call that nothing below repeats
land   what the upstream answered, first on the attempt, then on the task
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings

from providers import catalogue, directory, hooks
from providers.adapters import Adapter
from providers.errors import Interrupted, NotAccepted, NotTried, OutcomeUnknown, UpstreamError
from providers.exchange import Record, Witness
from providers.outcomes import Accepted, Facts, Finished, Job

from .. import inputs
from ..models import Task
from . import attempts, claims, decisions, expiry, heard, inline, jobs, lifecycle, lost, parking, quarantine, slots
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome, Trace
from .pump import Arrived, Pump
from .transactions import whole


@dataclass(frozen=True, slots=True)
class Submission(Claimed):
    """A claimed row with what its call needs, read beforehand because the call may not touch the database."""

    adapter: Adapter
    job: Job
    input: Mapping[str, Any]
    schema: Mapping[str, Any]
    plan: Mapping[str, Any]
    is_fresh: bool
    trace: Trace  # what was recorded of the attempt when the row was claimed
    witness: Witness = field(default_factory=Witness)  # of the submit

    @property
    def facts(self) -> Facts:
        return lost.facts(self.adapter, self.job)


def take(room: int, clock: Clock) -> list[Submission]:
    """What a dead worker left first, then queued rows for which a provider has a free slot; those out of time expire."""
    expiry.run_once(clock=clock)
    now = clock()
    slots.undo(now=now)
    left = quarantine.cleared(claims.take("submitting", limit=room, now=now), now=now)
    fresh = slots.take(room - len(left), now=now) if len(left) < room else []
    if len(left) + len(fresh) < room and parking.run_once(now=now):
        fresh += slots.take(room - len(left) - len(fresh), now=now)
    taken = _with_inputs(left, is_fresh=False, now=now) + _with_inputs(fresh, is_fresh=True, now=now)
    slots.begun.clear()
    return taken


async def call(task: Submission) -> Outcome:
    """Buy it, or find out what became of an earlier try; the answer's inline bytes are put into storage first."""
    if task.trace.accepted:
        return task.trace.accepted
    return await inline.kept(task, await (_buy(task) if task.is_fresh else _ask_again(task)))


def land(arrived: Arrived, clock: Clock) -> None:
    now = clock()
    records = {task.submit_token: task.witness.record() for task, _ in arrived}  # before the transaction, which is to be short
    whole(partial(_land, arrived, records, now))
    heard.tell("submit", [(task, outcome) for task, outcome in arrived if task.is_fresh], now=now)


def timed(task: Submission, outcome: Outcome, took_s: float) -> None:
    if task.is_fresh:
        heard.timed("submit", task, outcome, took_s)


def leave(clock: Clock) -> None:
    """Queue again what the last look began and could call for no more: with the process goes all that knows of it."""
    slots.undo(now=clock())


def _with_inputs(claimed: list[Claimed], *, is_fresh: bool, now: datetime) -> list[Submission]:
    if not claimed:
        return []
    texts = dict(Task.objects.filter(id__in=[one.id for one in claimed]).values_list("id", "input"))
    traces = {} if is_fresh else attempts.traces(claimed)
    return [_submission(one, texts[one.id], is_fresh, traces.get(one.id) or Trace(now)) for one in claimed]


def _submission(claimed: Claimed, input: dict, is_fresh: bool, trace: Trace) -> Submission:
    job, schema = jobs.job(claimed), _schema(claimed.row["model"])
    # Without the upstream's name for it, or the way to its files, no request can be written, the same one again included.
    adapter = jobs.adapter(claimed) if job.model and schema else jobs.Gone()
    if is_fresh:
        job = replace(job, callback_url=jobs.callback_url(claimed, adapter.FACTS))
    elif not trace.accepted:
        job = lost.job(claimed, adapter.FACTS, trace, input)
    plan = inputs.plan(claimed.row["account_id"], schema, input)
    return Submission(claimed.row, claimed.taken, adapter, job, input, schema, plan, is_fresh, trace)


def _schema(model: str) -> Mapping[str, Any]:
    """The model's input schema; empty where the model was deleted since."""
    try:
        return catalogue.get(model).schema
    except catalogue.UnknownModel:
        return {}


async def _buy(task: Submission) -> Outcome:
    job = await _with_media(task)
    if not task.may_send:  # paused for so long that another worker may have taken over
        raise NotTried
    return await _sent(task, job)


async def _ask_again(task: Submission) -> Outcome:
    """What became of an earlier try, by the strongest way that its upstream offers. None of them buys it twice."""
    facts = task.facts
    if "replays" in facts.recovery and (job := await _as_before(task)):
        return await _sent(task, job)
    if not lost.can_be_found(facts, task.trace):
        raise OutcomeUnknown
    found = await task.adapter.find(task.job)
    if found is None and "rejects" in facts.recovery:
        # A list may lag behind what the upstream took; its memory of tokens does not.
        if not (job := await _as_before(task)):
            raise OutcomeUnknown
        return await _sent(task, job)
    return found


async def _sent(task: Submission, job: Job) -> Outcome:
    with task.witness.listening():
        return await task.adapter.submit(job)


async def _as_before(task: Submission) -> Job | None:
    """The job with its inputs, to be sent again; None where one of them is gone, which says nothing of what was sent with it."""
    try:
        job = await _with_media(task)
    except UpstreamError:
        return None
    return job if task.may_send else None


async def _with_media(task: Submission) -> Job:
    facts = task.adapter.FACTS
    media = await inputs.gather(task.id, task.schema, task.input, task.plan, local=facts.local_media, bucket=facts.bucket_media)
    return replace(task.job, input=media)


def _land(arrived: Arrived, records: Mapping[str, Record | None], now: datetime) -> None:
    heard = _undoubted([(task, _heard(task, outcome, now)) for task, outcome in arrived])
    for task, outcome in heard:
        attempts.landed(task, outcome, now=now, record=records[task.submit_token])
    heard = _weighed(heard)
    moved = lifecycle.advance([lifecycle.Step(task, _decision(task, outcome, now)) for task, outcome in heard], now=now)
    bought = [(task, outcome) for task, outcome in heard if isinstance(outcome, Accepted | Finished)]
    attempts.came_late([(task, outcome) for task, outcome in bought if task.id not in moved], now=now)
    attempts.caught_up([task for task, _ in bought if task.id in moved and not task.is_fresh], now=now)


def _heard(task: Submission, outcome: Outcome, now: datetime) -> Outcome:
    if isinstance(outcome, UpstreamError) and task.job.callback_url:
        outcome = _without(hooks.secret_in(task.job.callback_url), outcome)
    return outcome if task.is_fresh else decisions.heard_again(outcome, task.facts, task.trace, now)


def _without(secret: str, error: UpstreamError) -> UpstreamError:
    """The same error: an upstream may quote what it was sent, and a client reads that."""
    if secret not in error.message:
        return error
    return type(error)(error.message.replace(secret, "…"), field=error.field, retry_after=error.retry_after)


def _undoubted(heard: Arrived) -> Arrived:
    """Without jobs that were found and may be another task's."""
    found = [(task, outcome) for task, outcome in heard if isinstance(outcome, Accepted) and not (task.is_fresh or task.trace.accepted)]
    doubted = lost.undoubted(found)
    return [(task, doubted.get(task.submit_token, outcome)) for task, outcome in heard]


def _weighed(heard: Arrived) -> Arrived:
    """Each outcome in the light of what others have recorded of the attempt meanwhile: the worker that had it before, or a callback."""
    in_doubt = [task for task, outcome in heard if _is_in_doubt(task, outcome)]
    traces = attempts.traces(in_doubt) if in_doubt else {}
    return [(task, decisions.weighed(outcome, traces[task.id]) if task.id in traces else outcome) for task, outcome in heard]


def _is_in_doubt(task: Submission, outcome: Outcome) -> bool:
    return not isinstance(outcome, Accepted | Finished) and (task.facts.calls_back or not task.is_fresh)


def _decision(task: Submission, outcome: Outcome, now: datetime) -> decisions.Decision:
    serving = {route.provider_id for route in directory.routes(task.row["model"])} if isinstance(outcome, NotAccepted) else set()
    elsewhere = bool(serving - {task.row["provider_id"]})
    runs_before = attempts.runs_before([task]).get(task.id, 0) if isinstance(outcome, Interrupted) else 0
    how = {"trace": task.trace, "elsewhere": elsewhere, "runs_before": runs_before}
    return decisions.after_submit(task.snapshot, outcome, task.facts, now, **how)


pump = Pump("submit", take, call, land, window=settings.SUBMIT_WINDOW, windows=10, repeatable=False, timed=timed)
run = pump.run
