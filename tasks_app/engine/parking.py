"""Parking: a task beyond its account's cap waits outside the lanes until one of the account's tasks ends, or its cap is raised."""

from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Value
from django.db.models.functions import Cast, Concat

from accounts import credits
from accounts.models import Account

from ..models import Task
from . import wake
from .lanes import PARKING, parking_lane, working_lane
from .transactions import whole


def run_once(*, now: datetime) -> int:
    """Let tasks in whose account has room: its cap was raised, and the end of another task may never come. Returns how many."""
    if not Task.objects.filter(status="queued", lane__gte=PARKING).exists():
        return 0
    lane = Concat(Value(PARKING), Cast(OuterRef("id"), CharField(max_length=20)))
    waiting = Account.objects.filter(Exists(Task.objects.filter(status="queued", lane=lane)), active__lt=F("max_active"))
    return sum(whole(partial(release, id, now=now)) for id in waiting.order_by("id").values_list("id", flat=True))


def release(account_id: int, *, now: datetime) -> int:
    """Let as many of the account's parked tasks in as its cap has room for, oldest first; in the caller's transaction."""
    released = 0
    parked = Task.objects.filter(status="queued", lane=parking_lane(account_id), due_at=None).order_by("id")
    while parked.exists() and credits.take_slot(account_id):
        released += _let_in(account_id, parked.values("id", "model", "priority").first(), now)
    if released:
        transaction.on_commit(partial(wake.wake, "submit"))
    return released


def _let_in(account_id: int, task: dict | None, now: datetime) -> bool:
    """Move the task into its lane. Counting its slot took the account's lock; whoever was faster took the task, not the slot."""
    if task:
        lane = working_lane(task["model"], task["priority"])
        parked = Task.objects.filter(id=task["id"], status="queued", lane=parking_lane(account_id))
        if parked.update(lane=lane, due_at=now, updated_at=now):
            return True
    credits.give_slot_back(account_id)
    return False
