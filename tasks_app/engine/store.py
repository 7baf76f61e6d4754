"""storing → succeeded: fetch each result once, measure it, make its thumbnail, keep both in our storage (keep.py).

Generation is paid by now: whatever goes wrong here, nothing is submitted again.
"""

from datetime import datetime, timedelta

from django.conf import settings

from ..ids import shown
from . import claims, decisions, jobs, keep, lifecycle, quarantine
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome, Stored
from .pump import Arrived, Pump


def take(room: int, clock: Clock) -> list[Claimed]:
    now = clock()
    return quarantine.cleared(claims.take("storing", limit=room, now=now), now=now)


async def call(claimed: Claimed) -> Outcome:
    key = f"outputs/{shown('task', claimed.id)}"
    return Stored(tuple([await keep.result(found["url"], f"{key}/{position}") for position, found in enumerate(claimed.row["found"])]))


def land(arrived: Arrived, clock: Clock) -> None:
    now = clock()
    lifecycle.advance([lifecycle.Step(task, _decision(task, outcome, now)) for task, outcome in arrived], now=now)


def _decision(task: Claimed, outcome: Outcome, now: datetime) -> decisions.Decision:
    return decisions.after_store(task.snapshot, outcome, _lives_until(task), now)


def _lives_until(task: Claimed) -> datetime:
    """When the upstream deletes the first of the results: as it said, else as its adapter declares, from the task's deadline on."""
    said = [datetime.fromisoformat(one["lives_until"]) for one in task.row["found"] if one["lives_until"]]
    return min(said, default=task.row["deadline_at"] + jobs.facts(task).results_live - timedelta(minutes=1))


pump = Pump("store", take, call, land, window=settings.STORE_WINDOW)
run = pump.run
