"""Settling: what a task's end means for its account, in the transaction that ends it. Only lifecycle calls this."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts import credits

from ..ids import shown
from ..models import Task
from . import wake
from .claims import Claimed
from .decisions import Move
from .lanes import parking_lane, working_lane


def settle(ended: Sequence[tuple[Claimed, Move]], *, now: datetime) -> None:
    """Capture or release each ended task's hold and let its account's oldest parked task in."""
    if not ended:
        return
    credits.settle([_settlement(claimed, move) for claimed, move in ended], now=now)
    for account_id in sorted({claimed.row["account_id"] for claimed, _ in ended}):
        release_parked(account_id, now=now)


def release_parked(account_id: int, *, now: datetime) -> int:
    """Let as many of the account's parked tasks in as its cap has room for, oldest first. The settling UPDATE holds the account's row."""
    released = 0
    parked = Task.objects.filter(status="queued", lane=parking_lane(account_id), due_at=None).order_by("id")
    while (task := parked.values("id", "model", "priority").first()) and credits.take_slot(account_id):
        lane = working_lane(task["model"], task["priority"])
        released += Task.objects.filter(id=task["id"], due_at=None).update(lane=lane, due_at=now, updated_at=now)
    if released:
        transaction.on_commit(lambda: wake.wake("submit"))
    return released


def _settlement(claimed: Claimed, move: Move) -> credits.Settlement:
    row = claimed.row
    return credits.Settlement(
        account_id=row["account_id"],
        reference=shown("task", row["id"]),
        held=row["hold"],
        captured=move.captured,
        had_slot=row["lane"] != parking_lane(row["account_id"]),
    )
