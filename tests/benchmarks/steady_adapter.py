"""plasma at the pace of the polling benchmark."""

from dataclasses import replace
from datetime import timedelta

from tests.upstreams import plasma_adapter

PACE_S = 2


class Adapter(plasma_adapter.Adapter):
    FACTS = replace(plasma_adapter.FACTS, first_poll=timedelta(seconds=PACE_S), pace=timedelta(seconds=PACE_S))
