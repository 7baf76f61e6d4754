"""After the database was put back to a backup: what it holds as waiting, or on its way, may have been bought since.

Such a task would be sent, or asked about, under the token that comes next by its row. An upstream that honours tokens answers with the job
that it has under this one, and is the only one asked where nobody else serves the model. But if it refused that try in between and took
the next, the job lies under another token, and would be bought a second time. So unless the operator trusts the tokens, every such task
fails with an unknown outcome, flagged, for the operator to decide. What runs by the backup is asked about as ever.
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

UNSURE = ("queued", "submitting")
AT_ONCE = 200
UNKNOWN = "The database was put back to a backup, and the task may have been bought since."


class Looked(NamedTuple):
    """How many such tasks may go on, and how many were given up."""

    go_on: int
    given_up: int


def run_once(*, clock: Clock, by: str, trust_tokens: bool = False) -> Looked:
    """Give up each task that a second send could buy twice; to be run once, before the workers start again."""
    unsure = Task.objects.filter(status__in=UNSURE)
    models = set(unsure.values_list("model", flat=True))
    doubtful = unsure.filter(model__in=[model for model in models if not (trust_tokens and honours_tokens(model))])
    ids = list(doubtful.order_by("id").values_list("id", flat=True))
    given_up = sum(_give_up(ids[at : at + AT_ONCE], by, clock()) for at in range(0, len(ids), AT_ONCE))
    return Looked(unsure.count(), given_up)


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
    unsure = [task for task in claims.read_all(ids) if task.row["status"] in UNSURE]
    return len(lifecycle.advance([lifecycle.Step(task, move, by=by) for task in unsure], now=now))
