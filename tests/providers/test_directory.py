import asyncio

import pytest

from providers import credentials, directory
from providers.adapters.scf import Adapter
from providers.credentials import Unreadable
from providers.models import Provider


@pytest.fixture
def plasma(make_provider):
    return make_provider("plasma", max_jobs=3)


class TestRoutesOfAModel:
    def test_come_by_priority(self, make_model, make_provider, make_route):
        model, plasma, grit = make_model(), make_provider("plasma"), make_provider("grit")
        second = make_route(model, grit, priority=2, weight=5, max_jobs=1)
        first = make_route(model, plasma, priority=1)
        assert directory.routes(model.name) == [
            directory.RouteSnapshot(first.id, model.name, plasma.id, "plasma-v2", 1, 1, None),
            directory.RouteSnapshot(second.id, model.name, grit.id, "plasma-v2", 2, 5, 1),
        ]

    @pytest.mark.parametrize("disabled", ["model", "provider", "route"])
    def test_are_none_when_something_on_the_way_is_switched_off_yet_tasks_in_flight_find_it(
        self, make_model, make_provider, make_route, disabled
    ):
        off = {"is_enabled": False}
        model = make_model(**off if disabled == "model" else {})
        provider = make_provider(**off if disabled == "provider" else {})
        route = make_route(model, provider, **off if disabled == "route" else {})
        assert directory.routes(model.name) == []
        assert directory.route(route.id).upstream_model == "plasma-v2"
        assert directory.provider(provider.id).is_enabled == (disabled != "provider")

    def test_of_an_unknown_one_are_none(self, db):
        assert directory.routes("nobody/nothing") == []

    def test_cost_two_queries_in_five_seconds_for_all(self, make_model, plasma, make_route, django_assert_num_queries):
        route = make_route(make_model(), plasma)
        with django_assert_num_queries(2):
            directory.routes("plasma/video")
            directory.route(route.id)
            directory.provider(plasma.id)


class TestAProvider:
    def test_is_a_snapshot_of_its_row(self, plasma):
        assert directory.provider(plasma.id) == directory.ProviderSnapshot(
            plasma.id, "plasma", "scf", "http://127.0.0.1:1", credential_version=0, max_jobs=3, is_enabled=True, is_healthy=True
        )

    @pytest.mark.parametrize("look_up", [directory.provider, directory.route])
    def test_that_is_not_there_is_named(self, db, look_up):
        with pytest.raises(LookupError, match=r"there is no (provider|route) 99"):
            look_up(99)


class TestAnAdapter:
    def test_is_one_per_provider_and_credential_version(self, plasma, now):
        versions = [credentials.rotate(plasma, {"key": key}, now=now) for key in ("old", "new")]
        first, second = (directory.adapter(plasma.id, version) for version in versions)
        assert first is not second
        assert directory.adapter(plasma.id, versions[0]) is first

    def test_is_made_without_an_event_loop_and_asks_the_database_once(self, plasma, now, django_assert_num_queries):
        version = credentials.rotate(plasma, {"key": "new"}, now=now)
        directory.provider(plasma.id)
        with django_assert_num_queries(1):
            adapters = [directory.adapter(plasma.id, version) for _ in range(3)]
        assert isinstance(adapters[0], Adapter)

    def test_follows_the_providers_row(self, plasma):
        first = directory.adapter(plasma.id, 0)
        Provider.objects.update(base_url="http://127.0.0.1:2")
        directory.forget()
        assert directory.adapter(plasma.id, 0) is not first

    def test_of_credentials_that_are_not_there_is_refused(self, plasma):
        with pytest.raises(Unreadable, match=f"provider {plasma.id} has no credentials of version 9"):
            directory.adapter(plasma.id, 9)

    def test_of_an_unknown_kind_is_refused(self, make_provider):
        with pytest.raises(LookupError, match=r"there is no adapter 'smoke'; there are .*\bscf\b"):
            directory.adapter(make_provider(adapter="smoke").id, 0)

    def test_may_be_the_operators_own(self, make_provider, settings):
        settings.ADAPTERS = ["tests.upstreams.plasma_adapter"]
        provider = make_provider(adapter="plasma_adapter")
        assert type(directory.adapter(provider.id, 0)).__module__ == "tests.upstreams.plasma_adapter"

    def test_has_its_connections_closed_with_all_others(self, plasma):
        directory.adapter(plasma.id, 0)
        asyncio.run(directory.close())
        assert directory.adapter(plasma.id, 0) is directory.adapter(plasma.id, 0)
