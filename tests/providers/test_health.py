import logging

import pytest

from providers import credentials, directory, health
from providers.models import Provider
from tests.upstreams import Plasma, answer, hang


@pytest.fixture(autouse=True)
def adapters(settings):
    settings.ADAPTERS = ["tests.upstreams.plasma_adapter"]


@pytest.fixture
def upstream():
    with Plasma() as simulator:
        yield simulator


@pytest.fixture
def plasma(make_provider, upstream, now):
    provider = make_provider("plasma", adapter="plasma_adapter", base_url=upstream.url)
    credentials.rotate(provider, {"key": upstream.KEY}, now=now)
    return provider


@pytest.fixture
def check(now):
    """Run the checks once; returns how many there were."""
    return lambda **more: health.run_once(clock=lambda: now, **more)


def seen(provider):
    provider.refresh_from_db()
    return provider.is_healthy, provider.health_note


class TestAProviderThatAnswers:
    def test_is_healthy_and_nothing_was_bought(self, plasma, upstream, check, now):
        Provider.objects.update(is_healthy=False, health_note="was down")
        assert check() == 1
        assert seen(plasma) == (True, "")
        assert plasma.checked_at == now
        assert upstream.bought == 0

    def test_is_asked_with_its_newest_credentials(self, plasma, upstream, check, now):
        credentials.rotate(plasma, {"key": "revoked"}, now=now)
        directory.forget()
        check()
        healthy, note = seen(plasma)
        assert not healthy
        assert "revoked" not in note


class TestAProviderThatCannotBeUsed:
    def test_is_unhealthy_with_the_reason(self, plasma, upstream, check):
        upstream.will(answer(503), at="check")
        check()
        healthy, note = seen(plasma)
        assert not healthy
        assert note

    def test_is_unhealthy_when_nobody_listens(self, make_provider, check, now):
        provider = make_provider("gone", adapter="plasma_adapter", base_url="http://127.0.0.1:1")
        credentials.rotate(provider, {"key": "s3cret"}, now=now)
        check()
        assert seen(provider) == (False, "The upstream could not be reached: the connection was refused.")

    def test_is_given_up_after_a_while(self, plasma, upstream, check):
        upstream.will(hang(), at="check")
        check(timeout_s=0.2)
        assert seen(plasma) == (False, "It gave no answer within 0.2 s.")

    def test_is_unhealthy_when_its_credentials_cannot_be_opened(self, plasma, check):
        plasma.credentials.all().delete()
        check()
        assert seen(plasma) == (False, f"provider {plasma.id} has no credentials of version 1")

    def test_is_unhealthy_when_its_adapter_is_gone(self, plasma, check, settings):
        settings.ADAPTERS = []
        check()
        assert seen(plasma) == (False, "there is no adapter 'plasma_adapter'; there are scf")

    def test_through_a_bug_of_its_adapter_is_recorded_without_a_secret(self, plasma, make_provider, check, caplog):
        broken = make_provider("broken", adapter="plasma_adapter", base_url="http://127.0.0.1:1")  # has no key, which its adapter needs
        with caplog.at_level(logging.ERROR):
            assert check() == 2
        assert seen(broken) == (False, "The check itself failed: KeyError.")
        assert "The check of provider broken failed" in caplog.text

    def test_does_not_keep_the_others_unchecked(self, plasma, upstream, make_provider, check):
        make_provider("broken", adapter="smoke")
        assert check() == 2
        assert seen(plasma) == (True, "")


class TestADisabledProvider:
    def test_is_left_alone(self, plasma, check):
        Provider.objects.update(is_enabled=False, is_healthy=False, health_note="was down")
        assert check() == 0
        assert seen(plasma) == (False, "was down")
