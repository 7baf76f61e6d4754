import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from providers import credentials
from providers.credentials import Unreadable
from providers.models import Provider, ProviderCredential

SECRETS = {"api_key": "s3cret", "region": "Übersee"}
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def plasma(make_provider):
    return make_provider("plasma")


class TestRotating:
    def test_makes_the_next_version_the_providers_own(self, plasma, now):
        assert [credentials.rotate(plasma, SECRETS, now=now) for _ in range(2)] == [1, 2]
        assert (plasma.credential_version, Provider.objects.get().credential_version) == (2, 2)

    def test_keeps_every_older_version_for_tasks_in_flight(self, plasma, now):
        for secret in ("old", "new"):
            credentials.rotate(plasma, {"api_key": secret}, now=now)
        assert [credentials.open(plasma.id, version) for version in (0, 1, 2)] == [{}, {"api_key": "old"}, {"api_key": "new"}]

    def test_by_two_at_once_overwrites_neither(self, plasma, now):
        stale = Provider.objects.get()
        credentials.rotate(plasma, {"api_key": "first"}, now=now)
        credentials.rotate(stale, {"api_key": "second"}, now=now)
        assert [credentials.open(plasma.id, version)["api_key"] for version in (1, 2)] == ["first", "second"]

    def test_leaves_no_secret_in_any_row(self, plasma, now):
        credentials.rotate(plasma, SECRETS, now=now)
        assert "s3cret" not in repr([list(kind.objects.values()) for kind in (Provider, ProviderCredential)])


class TestTheSealingKey:
    @pytest.fixture
    def sealed(self, plasma, settings, now):
        settings.SEALING_KEYS = [OLD]
        credentials.rotate(plasma, SECRETS, now=now)
        return plasma

    def test_may_be_followed_by_older_ones_that_still_open(self, sealed, settings):
        settings.SEALING_KEYS = [NEW, OLD]
        assert credentials.open(sealed.id, 1) == SECRETS

    def test_when_gone_is_said_without_a_secret(self, sealed, settings):
        settings.SEALING_KEYS = [NEW]
        with pytest.raises(Unreadable, match=f"no key in SEALING_KEYS opens the credentials of provider {sealed.id}, version 1") as caught:
            credentials.open(sealed.id, 1)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    def test_may_go_once_all_is_resealed(self, sealed, settings, capsys):
        settings.SEALING_KEYS = [NEW, OLD]
        call_command("reseal_credentials")
        assert capsys.readouterr().out == "1 resealed; the other keys may go from SEALING_KEYS now.\n"
        settings.SEALING_KEYS = [NEW]
        assert credentials.open(sealed.id, 1) == SECRETS

    def test_when_none_opens_stops_the_resealing(self, sealed, settings):
        settings.SEALING_KEYS = [NEW]
        with pytest.raises(CommandError, match="opens the credentials of plasma, version 1"):
            call_command("reseal_credentials")


class TestWhatIsNotThere:
    def test_is_named(self, plasma):
        with pytest.raises(Unreadable, match=f"provider {plasma.id} has no credentials of version 3"):
            credentials.open(plasma.id, 3)
