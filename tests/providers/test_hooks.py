"""Addresses that upstreams call: only we can make them, and each serves one attempt at one provider."""

from urllib.parse import urlsplit

import pytest
from cryptography.fernet import Fernet

from providers import hooks

TOKEN = "task_06f8zvs0f5gzx8q6p9t2ywx3vd-1"


@pytest.fixture(autouse=True)
def reachable(settings):
    settings.HOOKS_URL = "https://hooks.example.com"


def parts_of(address: str) -> list[str]:
    assert address.startswith("https://hooks.example.com/hooks/")
    return urlsplit(address).path.removeprefix("/hooks/").split("/")


class TestAnAddress:
    def test_is_known_again_by_its_parts(self):
        assert hooks.is_ours(*parts_of(hooks.address("plasma", TOKEN)))

    def test_is_the_same_each_time_that_it_is_made(self):
        assert hooks.address("plasma", TOKEN) == hooks.address("plasma", TOKEN)

    def test_is_none_where_upstreams_cannot_reach_us(self, settings):
        settings.HOOKS_URL = ""
        assert hooks.address("plasma", TOKEN) == ""

    def test_needs_no_escaping(self):
        assert all(part.replace("-", "").replace("_", "").isalnum() for part in parts_of(hooks.address("plasma", TOKEN)))


class TestASecret:
    def test_opens_no_other_attempt(self):
        provider, secret, token = parts_of(hooks.address("plasma", TOKEN))
        assert not hooks.is_ours(provider, secret, f"{token}1")

    def test_opens_nothing_at_another_provider(self):
        _, secret, token = parts_of(hooks.address("plasma", TOKEN))
        assert not hooks.is_ours("grit", secret, token)

    @pytest.mark.parametrize("secret", ["", "x", "é" * 22, "A" * 10_000])
    def test_cannot_be_made_up(self, secret):
        assert not hooks.is_ours("plasma", secret, TOKEN)

    def test_made_before_a_rotation_holds_while_its_key_is_kept(self, settings):
        address = parts_of(hooks.address("plasma", TOKEN))
        former, settings.SEALING_KEYS = settings.SEALING_KEYS, [Fernet.generate_key().decode(), *settings.SEALING_KEYS]
        assert parts_of(hooks.address("plasma", TOKEN)) != address
        assert hooks.is_ours(*address)
        settings.SEALING_KEYS = settings.SEALING_KEYS[: -len(former)]
        assert not hooks.is_ours(*address)
