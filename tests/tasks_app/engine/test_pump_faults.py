"""The pump: whatever one look or one outcome comes to, the others are landed."""

import asyncio

from tasks_app.engine import loop
from tasks_app.engine.pump import Pump
from tests.cast import HandClock


class Step:
    """A step without a database: it hands out what it was given, look by look, and keeps what lands."""

    def __init__(self, *looks):
        self.looks, self.landed = list(looks), []
        self.answer = loop.start(self.event()).result(5)
        self.pump = Pump("test", self.take, self.call, self.land, window=10)

    async def event(self) -> asyncio.Event:
        return asyncio.Event()

    def take(self, room, clock):
        look = self.looks.pop(0) if self.looks else []
        if isinstance(look, Exception):
            loop.running().call_soon_threadsafe(self.answer.set)
            raise look
        return look

    async def call(self, claimed):
        await self.answer.wait()
        return f"{claimed} answered"

    def land(self, arrived, clock):
        self.landed += [outcome for _, outcome in arrived]


def test_what_an_open_call_brings_lands_though_the_next_look_fails():
    step = Step(["a job"], RuntimeError("a row that cannot be read"))
    assert step.pump.run(HandClock()) == 1
    assert step.landed == ["a job answered"]


def test_a_look_that_fails_ends_the_run_and_not_the_worker():
    assert Step(RuntimeError("a row that cannot be read")).pump.run(HandClock()) == 0
