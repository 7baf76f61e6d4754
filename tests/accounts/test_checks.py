import pytest
from django.core.checks.registry import registry

from accounts.checks import cache_is_safe
from config.settings import cache

REDIS = "redis://127.0.0.1:6379/0"


def found(settings, **options):
    configured = cache(REDIS)
    configured["OPTIONS"].update(options)
    settings.CACHES = {"default": configured}
    return [fault.id for fault in cache_is_safe(None)]


class TestTheCacheOfKeys:
    def test_is_fine_as_configured(self, settings):
        assert found(settings) == []

    def test_is_fine_without_redis(self, settings):
        settings.CACHES = {"default": cache("")}
        assert cache_is_safe(None) == []

    def test_must_not_unpickle(self, settings):
        assert found(settings, SERIALIZER="django_redis.serializers.pickle.PickleSerializer") == ["accounts.E001"]

    @pytest.mark.parametrize("options", [{"SOCKET_TIMEOUT": None}, {"SOCKET_TIMEOUT": 5}, {"SOCKET_CONNECT_TIMEOUT": 3}])
    def test_must_give_up_soon(self, settings, options):
        assert found(settings, **options) == ["accounts.W002"]

    def test_is_looked_at_when_a_process_starts(self):
        assert cache_is_safe in registry.get_checks()
