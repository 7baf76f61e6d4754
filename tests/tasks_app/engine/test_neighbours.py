"""An upstream that hangs, and one that fails half its calls, hold up nobody else's tasks.

The same at its full size, with rates: `python -m tests.benchmarks neighbours`.
"""

from threading import Thread

import pytest
from django.db import connection

from providers.models import Provider, PublicModel, Route
from tasks_app.engine import loop, submit
from tasks_app.models import Task
from tests.cast import SCHEMA, forget_rows
from tests.upstreams import Plasma, answer, hang

EACH, GOOD = 30, 4
HANG_S = 5.0  # plasma's adapter waits so long for the answer to a submit


@pytest.fixture
def neighbours(plasma, settings):
    """Four upstreams more, at plasma's side, each with a model of its own."""
    started = [plasma, *(Plasma(manual=True).__enter__() for _ in range(GOOD + 1))]
    key = Provider.objects.get(name="plasma")
    for number, simulator in enumerate(started):
        settings.EGRESS_ALLOW = [*settings.EGRESS_ALLOW, f"127.0.0.1:{simulator.port}"]
        provider = Provider.objects.create(
            name=f"neighbour-{number}", adapter="plasma_adapter", base_url=simulator.url, credential_version=1
        )
        sealed = key.credentials.get()
        sealed.pk, sealed.provider = None, provider
        sealed.save()
        model = PublicModel.objects.create(name=f"n/{number}", kind="image.generate", title="n", input_schema=SCHEMA)
        Route.objects.create(model=model, provider=provider, upstream_model="plasma-image")
    forget_rows()
    yield started
    for simulator in started[1:]:
        simulator.stop()


@pytest.mark.django_db(transaction=True)
class TestBesideOneThatHangsAndOneThatFailsHalf:
    @pytest.fixture(autouse=True)
    def real_server(self):
        if connection.vendor != "mysql":
            pytest.skip("a thread of its own writes beside the test")

    def test_the_others_tasks_run_before_the_first_call_is_given_up(self, member, neighbours, clock, settings):
        hanging, failing, *good = neighbours
        hanging.will(hang(), times=1000)
        failing.will(answer(503, code=19), None, times=500)
        many = member("many", credits=100_000, max_active=10_000)
        for number in range(len(neighbours)):
            for _ in range(EACH):
                many.submits(f"n/{number}")
        began = loop.running().time()
        working = Thread(target=run_and_close, args=(clock,))
        working.start()
        try:
            for simulator in good:
                simulator.wait_until(lambda simulator: simulator.bought == EACH, timeout=HANG_S)
            assert loop.running().time() - began < HANG_S
            assert hanging.requests["submit"] > 0
        finally:
            hanging.stop()
            working.join(60)
        assert Task.objects.filter(model__in=[f"n/{number}" for number in range(2, GOOD + 2)], status="running").count() == EACH * GOOD


def run_and_close(clock) -> None:
    try:
        submit.run(clock)
    finally:
        connection.close()
