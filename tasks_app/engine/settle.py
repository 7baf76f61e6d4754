"""Settling: what a task's end means for its account, in the transaction that ends it. Only lifecycle calls this."""

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from accounts import credits, scopes

from ..ids import shown
from . import parking
from .claims import Claimed
from .decisions import Move
from .lanes import parking_lane

log = logging.getLogger(__name__)


def settle(ended: Sequence[tuple[Claimed, Move]], *, now: datetime) -> None:
    """Capture or release each ended task's hold and let its account's oldest parked task in."""
    if not ended:
        return
    scopes.give_back(_unspent(ended))  # before the accounts, as accept does, so that none waits in a circle
    credits.settle([_settlement(claimed, move) for claimed, move in ended], now=now)
    _tell_doubts(ended)
    for account_id in sorted({claimed.row["account_id"] for claimed, _ in ended}):
        parking.release(account_id, now=now)


def _unspent(ended: Sequence[tuple[Claimed, Move]]) -> dict[int, int]:
    """Key → credits that its budget counted and these tasks did not cost."""
    unspent: Counter[int] = Counter()
    for claimed, move in ended:
        if claimed.row["budget_key"] is not None:
            unspent[claimed.row["budget_key"]] += claimed.row["hold"] - move.captured
    return unspent


def _tell_doubts(ended: Sequence[tuple[Claimed, Move]]) -> None:
    """An operator whose upstream tells no usage, or more than its bound, has a wrong price or a wrong adapter."""
    for claimed, move in ended:
        for doubt in move.doubts:
            facts = {"event": "usage_in_doubt", "task": shown("task", claimed.id), "model": claimed.row["model"]}
            log.warning("usage in doubt: %s", doubt, extra=facts)


def _settlement(claimed: Claimed, move: Move) -> credits.Settlement:
    row = claimed.row
    return credits.Settlement(
        account_id=row["account_id"],
        reference=shown("task", row["id"]),
        held=row["hold"],
        captured=move.captured,
        had_slot=row["lane"] != parking_lane(row["account_id"]),
        model=row["model"],
    )
