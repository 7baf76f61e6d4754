"""Whom a task goes to: by priority and cost, by what a route can do, by its provider's health. And who learns of it."""

import json

import pytest

from providers import capability
from providers.models import Provider, Route
from tasks_app.engine import accept, slots
from tasks_app.models import Delivery, Task
from tests.cast import START, forget_rows
from tests.upstreams import answer, fail

from .two_routes import LOUD, SMALL, fill


@pytest.fixture
def goes_to(served, acme, clock):
    """The provider that takes a task with this input; None where it waits."""

    def taken(**given) -> str | None:
        task = accept.one(acme.id, accept.Order("our/video", {"prompt": "a kite", **given}), now=START).task
        slots.take(10, now=clock())
        task.refresh_from_db()
        return task.provider and task.provider.name

    return taken


class TestWhatARouteCanDo:
    @pytest.mark.parametrize(("given", "able"), [({}, {"vidu", "kling"}), (SMALL, {"vidu"}), (LOUD, {"kling"}), (SMALL | LOUD, set())])
    def test_the_stage_is_set(self, given, able):
        full = {"prompt": "a kite", "duration": 5, "resolution": "720p", **given}
        ways = (("vidu", "viduq3-turbo"), ("kling", "kling-3.0"))
        assert {name for name, model in ways if capability.takes(name, model, "video.generate", full)} == able

    @pytest.mark.parametrize(("given", "provider"), [({}, "vidu"), (SMALL, "vidu"), (LOUD, "kling")])
    def test_decides_before_priority(self, goes_to, given, provider):
        assert goes_to(**given) == provider

    def test_is_no_reason_to_wait_for_ever_where_none_can_do_it(self, goes_to):
        assert goes_to(**SMALL, **LOUD) == "vidu"

    def test_of_which_a_full_route_alone_is_capable_waits_and_holds_up_no_other(self, served, goes_to):
        fill("kling")
        assert goes_to(**LOUD) is None
        assert goes_to(**SMALL) == "vidu"


class TestCost:
    def test_decides_among_routes_of_one_priority(self, served, goes_to):
        Route.objects.update(priority=0)
        Route.objects.filter(provider=served["vidu"]).update(cost=0.4)
        Route.objects.filter(provider=served["kling"]).update(cost=0.3)
        forget_rows()
        assert goes_to() == "kling"


class TestAProviderThatFailsItsChecks:
    def test_is_taken_only_where_no_other_has_room(self, served, goes_to):
        Provider.objects.filter(name="vidu").update(is_healthy=False)
        forget_rows()
        assert goes_to() == "kling"
        fill("kling")
        assert goes_to() == "vidu"


class TestWhoServedATask:
    """Operators learn it from the attempt. Clients, by whichever door, do not."""

    @pytest.fixture
    def hidden(self, plasma):
        """plasma's provider, route and address under names that stand nowhere else."""
        Provider.objects.update(name="behind-the-scenes")
        forget_rows()
        return ("behind-the-scenes", "plasma_adapter", plasma.url)

    def told(self, client, acme, task) -> str:
        """All that its client can read of a task."""
        id, auth = f"/api/v1/tasks/{task}", {"Authorization": f"Bearer {acme.key}"}
        paths = [id, "/api/v1/tasks", "/api/v1/models", "/api/v1/webhook-deliveries", "/api/v1/account"]
        payloads = list(Delivery.objects.values_list("payload", flat=True))
        return json.dumps([client.get(path, headers=auth).content.decode() for path in paths] + payloads)

    @pytest.mark.parametrize("fate", ["succeeds", "fails", "is not taken"])
    def test_stands_in_nothing_that_a_client_reads(self, hidden, plasma, acme, road, client, fate):
        if fate == "fails":
            plasma.will(fail("broken"))
        if fate == "is not taken":
            plasma.will(answer(503, code=19), times=100)
        task = acme.submits("darkroom/plasma-image", webhook_url="https://hooks.example.com/", expires_in=60)
        road.runs_dry()
        told = self.told(client, acme, task)
        assert Task.objects.get().finished_at
        assert str(task) in told
        assert [word for word in hidden if word in told] == []
