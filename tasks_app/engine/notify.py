"""Webhooks: the pump of webhooks/deliver.py, which lies below the engine and knows no task's claims."""

from functools import partial

from django.conf import settings

from ..webhooks import claims, deliver
from ..webhooks.lanes import Lanes
from .clock import Clock
from .pump import Arrived, Pump
from .transactions import whole


def take(room: int, clock: Clock) -> list[deliver.Sending]:
    return deliver.take(room, lanes, now=clock())


def land(arrived: Arrived, clock: Clock) -> None:
    whole(partial(deliver.land, arrived, now=clock()))
    for sending, outcome in arrived:
        lanes.heard(sending.row["lane"], well=deliver.went_well(outcome))
    # A lane with its two calls open may have a thousand rows more: look again now, not at the pump's own next look.
    pump.wake.set()


lanes = Lanes()
pump = Pump("notify", take, deliver.call, land, window=settings.NOTIFY_WINDOW, windows=4, claims=claims)
run = pump.run
