"""storing → succeeded: fetch each result once, measure it, make its thumbnail, keep both in our storage (keep.py).

Generation is paid by now: whatever goes wrong here, nothing is submitted again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from providers.adapters import Adapter

from ..ids import shown
from . import claims, decisions, jobs, keep, lifecycle, quarantine
from .claims import Claimed
from .clock import Clock
from .decisions import Outcome, Stored
from .pump import Arrived, Pump


@dataclass(frozen=True, slots=True)
class Storing(Claimed):
    """A claimed row with the adapter that knows what its results are fetched with."""

    adapter: Adapter


def take(room: int, clock: Clock) -> list[Storing]:
    now = clock()
    claimed = quarantine.cleared(claims.take("storing", limit=room, now=now), now=now)
    return [Storing(one.row, one.taken, jobs.adapter(one)) for one in claimed]


async def call(task: Storing) -> Outcome:
    key, urls = f"outputs/{shown('task', task.id)}", [found["url"] for found in task.row["found"]]
    kept = [await keep.result(url, f"{key}/{position}", headers=jobs.headers_for(task.adapter, url)) for position, url in enumerate(urls)]
    return Stored(tuple(kept))


def land(arrived: Arrived, clock: Clock) -> None:
    now = clock()
    lifecycle.advance([lifecycle.Step(task, _decision(task, outcome, now)) for task, outcome in arrived], now=now)


def _decision(task: Storing, outcome: Outcome, now: datetime) -> decisions.Decision:
    return decisions.after_store(task.snapshot, outcome, _lives_until(task), now)


def _lives_until(task: Storing) -> datetime:
    """When the upstream deletes the first of the results: as it said, else as its adapter declares, from the task's deadline on."""
    said = [datetime.fromisoformat(one["lives_until"]) for one in task.row["found"] if one["lives_until"]]
    return min(said, default=task.row["deadline_at"] + task.adapter.FACTS.results_live - timedelta(minutes=1))


pump = Pump("store", take, call, land, window=settings.STORE_WINDOW)
run = pump.run
