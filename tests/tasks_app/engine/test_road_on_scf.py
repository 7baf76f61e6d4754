"""The whole road with our functions on SCF, where the platform loses runs and kills them."""

import pytest

from providers import credentials, directory
from providers.models import Provider, PublicModel, Route
from tasks_app.engine import loop
from tasks_app.models import Attempt, Task
from tests.cast import START, forget_rows
from tests.scf_client import cloud
from tests.scf_client.runtime import PATIENCE_S
from tests.upstreams import fail

CARD = "darkroom/card"
SCHEMA = {"type": "object", "properties": {"prompt": {"type": "string"}, "duration": {"type": "integer"}}}


@pytest.fixture(scope="module")
def deployed():
    with cloud.sky() as sky:
        sky.deploy("test_card")
        yield sky


@pytest.fixture
def sky(deployed, db, settings):
    """Both simulators, as the provider of a model whose videos take seconds to draw."""
    settings.EGRESS_ALLOW = [*settings.EGRESS_ALLOW, f"127.0.0.1:{deployed.cos.port}"]
    provider = Provider.objects.create(name="functions", adapter="scf")
    credentials.rotate(provider, deployed.credentials, now=START)
    model = PublicModel.objects.create(name=CARD, kind="video.generate", title=CARD, input_schema=SCHEMA, price="3")
    Route.objects.create(model=model, provider=provider, upstream_model="test_card")
    forget_rows()
    yield deployed
    loop.start(directory.close()).result(10)
    deployed.scf.rest()
    deployed.cos.requests.clear()


def killed(acme, road, sky, *, code: int) -> Task:
    """A task whose run the platform ended with this code, and may be asked about."""
    task = acme.submits(CARD, duration=2)
    road.submits()
    (run,) = sky.scf.executions
    sky.cos.wait_until(lambda cos: cos.requests["get"], timeout=PATIENCE_S)  # it has begun
    sky.scf.kill(run)
    sky.scf.wait_until(lambda scf: scf.executions[run].is_over, timeout=PATIENCE_S)
    sky.scf.executions[run].code = code
    is_old(road, task, 61)
    return task


def drawn(road, sky, task) -> Task:
    """The task, once the run that is begun for it next is over."""
    road.clock.move(seconds=5)
    road.submits()
    sky.scf.wait_until(lambda scf: not scf.running, timeout=PATIENCE_S)
    road.clock.move(seconds=5)
    road.polls()
    road.stores()
    task.refresh_from_db()
    return task


def is_old(road, task: Task, s: int) -> None:
    """Let its run have begun so many seconds ago: by the machine's clock for the adapter, and by ours."""
    task.refresh_from_db()
    Task.objects.update(handle={**task.handle, "at": task.handle["at"] - s})
    road.clock.move(seconds=s)


class TestARun:
    def test_that_the_platform_killed_is_begun_anew_and_its_task_succeeds(self, acme, road, sky):
        task = killed(acme, road, sky, code=439)
        road.polls()
        task = drawn(road, sky, task)
        assert (task.status, len(sky.scf.executions), acme.balance, acme.held) == ("succeeded", 2, 997, 0)
        assert [one["run"] for one in Attempt.objects.order_by("id").values_list("handle", flat=True)] == list(sky.scf.executions)

    def test_that_the_platform_lost_is_begun_anew_and_its_task_succeeds(self, acme, road, sky):
        sky.scf.will(fail("lost"), at="Invoke")
        task = acme.submits(CARD, duration=2)
        road.submits()
        is_old(road, task, 121)
        road.polls()
        task = drawn(road, sky, task)
        assert (task.status, len(sky.scf.executions)) == ("succeeded", 1)

    def test_that_took_too_long_is_not_begun_anew(self, acme, road, sky):
        task = killed(acme, road, sky, code=433)
        road.polls()
        task.refresh_from_db()
        assert (task.status, task.error_code, acme.balance, acme.held) == ("failed", "generation_failed", 1000, 0)
