"""After the database was put back to a backup: what it holds as waiting may have been bought since.

Such a task would be sent under the token of the first time. Where only one upstream can get it, and that one honours tokens, it answers
with the job that it has, if it has one. Anywhere else a second send could buy the same thing twice: the task fails with an unknown
outcome, and the operator decides. What the backup holds as sent is asked about as ever.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from providers import directory
from providers.errors import OutcomeUnknown
from providers.sealing import Unreadable

from ..models import Task
from . import claims, lifecycle
from .clock import Clock
from .decisions import Move

AT_ONCE = 200
UNKNOWN = "The database was put back to a backup, and the task may have been bought since."


class Looked(NamedTuple):
    """How many waiting tasks may go on, and how many were given up."""

    go_on: int
    given_up: int


def run_once(*, clock: Clock, by: str) -> Looked:
    """Give up each waiting task that a second send could buy twice; to be run once, before the workers start again."""
    waiting = Task.objects.filter(status="queued")
    models = waiting.order_by().values_list("model", flat=True).distinct()
    doubtful = waiting.filter(model__in=[model for model in models if not honours_tokens(model)])
    ids = list(doubtful.order_by("id").values_list("id", flat=True))
    given_up = sum(_give_up(ids[at : at + AT_ONCE], by, clock()) for at in range(0, len(ids), AT_ONCE))
    return Looked(waiting.count(), given_up)


def honours_tokens(model: str) -> bool:
    """Whether every task of this model goes to one upstream, which answers a token that it knows with the first job."""
    providers = {route.provider_id for route in directory.routes(model)}
    return len(providers) == 1 and _replays(providers.pop())


def _replays(provider_id: int) -> bool:
    try:
        return "replays" in directory.adapter(provider_id, directory.provider(provider_id).credential_version).FACTS.recovery
    except (LookupError, Unreadable):
        return False


def _give_up(ids: Sequence[UUID], by: str, now: datetime) -> int:
    move = Move("failed", error=OutcomeUnknown(UNKNOWN), flag=True)
    waiting = [task for task in claims.read_all(ids) if task.row["status"] == "queued"]
    return len(lifecycle.advance([lifecycle.Step(task, move, by=by) for task in waiting], now=now))
