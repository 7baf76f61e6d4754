"""running → storing, failed, expired, canceled: ask about upstream jobs, and stop those that should not go on."""

from dataclasses import dataclass, field
from functools import partial

from django.conf import settings

from providers import rates
from providers.adapters import Adapter
from providers.exchange import Witness
from providers.outcomes import Failed, Finished, Job, Running

from . import attempts, claims, decisions, heard, inline, jobs, lifecycle, quarantine, together
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome, Stopped
from .pump import Arrived, Pump
from .together import Together

BADLY = ("failed", "expired")


@dataclass(frozen=True, slots=True)
class Question(Claimed):
    """A claimed row with what asking about it needs; `stop` says that a job which goes on is to be stopped.

    `together`: the call that it shares with others, where its upstream tells of many jobs in one.
    """

    adapter: Adapter
    job: Job
    stop: bool
    together: Together | None
    witness: Witness = field(default_factory=Witness)  # of the question that was asked for this row alone


def take(room: int, clock: Clock) -> list[Question]:
    now = clock()
    claimed = quarantine.cleared(claims.take("running", limit=room, now=now), now=now)
    asked = [(jobs.adapter(one), jobs.job(one)) for one in claimed]
    shared = together.gathered(asked)
    return [_question(one, adapter, job, call, now) for one, (adapter, job), call in zip(claimed, asked, shared, strict=True)]


async def call(question: Question) -> Outcome:
    """How the job stands, and its end where that is wanted; inline results are put into storage first."""
    outcome = await question.together.poll(question.job) if question.together else None
    if outcome is None:
        with question.witness.listening():
            outcome = await question.adapter.poll(question.job)
    if question.stop and isinstance(outcome, Running) and await question.adapter.cancel(question.job):
        return Stopped(free=question.adapter.FACTS.cancel != "billed")
    return await inline.kept(question, outcome)


def land(arrived: Arrived, clock: Clock) -> None:
    now = clock()
    finished = [(task, outcome) for task, outcome in arrived if isinstance(outcome, Finished)]
    for task, outcome in finished:
        if outcome.cost is not None:
            attempts.charged(task, outcome.cost)
    steps = [lifecycle.Step(task, _decision(task, outcome, now)) for task, outcome in arrived]
    moved = lifecycle.advance(steps, now=now)
    _keep_endings([step for step in steps if step.claimed.id in moved])
    for task, outcome in finished:
        heard.ended(task, outcome, now=now)
    heard.tell("poll", arrived, now=now)


def _keep_endings(moved: list[lifecycle.Step]) -> None:
    """Of tasks that ended badly, what their upstream said; of a job that goes on, or ended well, nothing is kept."""
    for step in moved:
        if step.decision.status in BADLY and (record := step.claimed.witness.record()):
            attempts.ended(step.claimed, record)


def _question(claimed: Claimed, adapter: Adapter, job: Job, call: Together | None, now) -> Question:
    stop = decisions.stop_wanted(claimed.snapshot, adapter.FACTS, now)
    return Question(claimed.row, claimed.taken, adapter, job, stop, call)


def _decision(task: Question, outcome: Outcome, now) -> decisions.Decision:
    typical = rates.typical(task.row["provider_id"], task.row["model"]) if isinstance(outcome, Running) else None
    runs_before = attempts.runs_before([task]).get(task.id, 0) if isinstance(outcome, Failed) else 0
    return decisions.after_poll(task.snapshot, outcome, task.adapter.FACTS, now, typical=typical, runs_before=runs_before)


pump = Pump("poll", take, call, land, window=settings.POLL_WINDOW, windows=10, timed=partial(heard.timed, "poll"))
run = pump.run
