"""Loss: the operator says that nothing will come of what a flag is about, and what it cost."""

from datetime import datetime
from functools import partial

from ..models import Attempt, Flag
from . import flags
from .transactions import whole


def request(flag_id: int, *, charged: float | None, by: str, note: str, now: datetime) -> None:
    """End a flag as a loss of `charged`, in the upstream's own currency; 0: nothing was bought, None: nobody knows.

    Saying it twice is harmless. Raises Problem 404, or 409 where the flag was ended otherwise.
    """
    whole(partial(_request, flag_id, charged, by, note, now))


def _request(flag_id: int, charged: float | None, by: str, note: str, now: datetime) -> None:
    flag, task = flags.locked(flag_id)
    if flag.ending == Flag.Ending.LOST:
        return
    flags.refuse_ended(flag)
    flags.record(flag, task, now=now, by=by, lost=charged, note=note)
    if charged is not None:
        Attempt.objects.filter(token=flag.token).update(upstream_cost=charged)
    flags.end(flag, Flag.Ending.LOST, by=by, now=now, note=note, charged=charged if charged is not None else flag.charged)
