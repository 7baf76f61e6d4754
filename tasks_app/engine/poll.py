"""running → storing, failed, expired, canceled: ask about upstream jobs, and stop those that should not go on."""

from dataclasses import dataclass

from django.conf import settings

from providers.adapters import Adapter
from providers.outcomes import Job, Running

from . import claims, decisions, inline, jobs, lifecycle, quarantine
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome, Stopped
from .pump import Arrived, Pump


@dataclass(frozen=True, slots=True)
class Question(Claimed):
    """A claimed row with what asking about it needs; `stop` says that a job which goes on is to be stopped."""

    adapter: Adapter
    job: Job
    stop: bool


def take(room: int, clock: Clock) -> list[Question]:
    now = clock()
    claimed = quarantine.cleared(claims.take("running", limit=room, now=now), now=now)
    return [_question(one, now) for one in claimed]


async def call(question: Question) -> Outcome:
    """How the job stands, and its end where that is wanted; inline results are put into storage first."""
    outcome = await question.adapter.poll(question.job)
    if question.stop and isinstance(outcome, Running) and await question.adapter.cancel(question.job):
        return Stopped(free=question.adapter.FACTS.cancel != "billed")
    return await inline.kept(question, outcome)


def land(arrived: Arrived, clock: Clock) -> None:
    now = clock()
    lifecycle.advance([lifecycle.Step(task, _decision(task, outcome, now)) for task, outcome in arrived], now=now)


def _question(claimed: Claimed, now) -> Question:
    adapter = jobs.adapter(claimed)
    stop = decisions.stop_wanted(claimed.snapshot, adapter.FACTS, now)
    return Question(claimed.row, claimed.taken, adapter, jobs.job(claimed), stop)


def _decision(task: Question, outcome: Outcome, now) -> decisions.Decision:
    return decisions.after_poll(task.snapshot, outcome, task.adapter.FACTS, now)


pump = Pump("poll", take, call, land, window=settings.POLL_WINDOW, windows=10)
run = pump.run
