"""Late: jobs that may go on at their upstreams without a task. For a day they are asked about, more and more seldom.

What they come to stands on the attempt, for the operator who may have paid for it: it moves no task and touches no credits. A job that
can be stopped for free is stopped.
"""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from providers.errors import Unavailable
from providers.outcomes import Accepted, Running

from ..models import Attempt, Task
from . import attempts, decisions, loop, lost, questions
from .claims import COLUMNS
from .clock import Clock
from .decisions import Outcome, Stopped
from .pump import outcome_of
from .questions import Question
from .transactions import whole

GRACE = timedelta(days=1)  # after the task's deadline
SOONEST, SELDOMEST = timedelta(minutes=1), timedelta(hours=1)  # between two questions
PATIENCE_S = 60.0


def run_once(*, clock: Clock, limit: int = 100) -> int:
    """Ask about up to `limit` jobs that are due; returns of how many it is known now what they came to."""
    asked = [(question, loop.start(outcome_of(_ask, question))) for question in _take(limit, clock())]
    return sum(whole(partial(_record, question, answer.result(), clock())) for question, answer in asked)


def _take(limit: int, now: datetime) -> Iterator[Question]:
    """Each due attempt, by whoever is the first to say when it is asked about next; those with nothing to ask by are left alone."""
    due = list(Attempt.objects.filter(ask_at__lte=now).order_by("ask_at")[:limit])
    rows = {row["id"]: row for row in Task.objects.filter(id__in=[one.task_id for one in due]).values(*COLUMNS, "input")}
    for attempt in due:
        question = _question(attempt, rows[attempt.task_id]) if attempt.task_id in rows else None
        ask_at = _next(attempt, question, now) if question else None
        if Attempt.objects.filter(id=attempt.id, ask_at=attempt.ask_at).update(ask_at=ask_at) and question:
            yield question


def _question(attempt: Attempt, row: Mapping[str, Any]) -> Question | None:
    question = questions.about(attempt, row)
    return question if question.can_be_put else None


def _next(attempt: Attempt, question: Question, now: datetime) -> datetime | None:
    """The older, the more seldom; None: this was the last time."""
    if now >= question.row["deadline_at"] + GRACE:
        return None
    return now + min(max((now - attempt.intended_at) / 4, SOONEST), SELDOMEST)


async def _ask(question: Question) -> Outcome:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await (_find if question.job.handle is None else _poll)(question)
    except TimeoutError:
        raise Unavailable("The upstream gave no answer in time.") from None


async def _find(question: Question) -> Outcome:
    return await question.adapter.find(question.job)


async def _poll(question: Question) -> Outcome:
    outcome = await question.adapter.poll(question.job)
    if isinstance(outcome, Running) and question.facts.cancel == "free" and await question.adapter.cancel(question.job):
        return Stopped(free=True)
    return outcome


def _record(question: Question, outcome: Outcome, now: datetime) -> bool:
    if question.job.handle is None:
        outcome = decisions.heard_again(outcome, question.facts, question.trace, now)
    if isinstance(outcome, Accepted):
        outcome = lost.undoubted([(question, outcome)]).get(question.submit_token, outcome)
    return attempts.heard_late(question, outcome, called=question.trace.called, now=now)
