import pytest
from cryptography.fernet import Fernet

from providers import sealing
from providers.sealing import Unreadable

SECRETS = {"api_key": "s3cret", "region": "Übersee"}
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


class TestSealing:
    def test_hides_names_and_secrets_alike(self):
        sealed = sealing.seal(SECRETS)
        assert "s3cret" not in sealed
        assert "api_key" not in sealed

    def test_never_gives_the_same_text_twice(self):
        assert sealing.seal(SECRETS) != sealing.seal(SECRETS)

    def test_is_undone_by_unsealing(self):
        assert sealing.unseal(sealing.seal(SECRETS), of="it") == SECRETS


class TestAfterAnotherKeyCameFirst:
    @pytest.fixture
    def sealed(self, settings):
        settings.SEALING_KEYS = [OLD]
        sealed = sealing.seal(SECRETS)
        settings.SEALING_KEYS = [NEW, OLD]
        return sealed

    def test_what_was_sealed_still_opens(self, sealed):
        assert sealing.unseal(sealed, of="it") == SECRETS

    def test_what_is_resealed_needs_the_new_key_alone(self, sealed, settings):
        resealed = sealing.reseal(sealed, of="it")
        settings.SEALING_KEYS = [NEW]
        assert sealing.unseal(resealed, of="it") == SECRETS

    @pytest.mark.parametrize("open_it", [sealing.unseal, sealing.reseal])
    def test_a_key_that_is_gone_is_said_without_a_secret(self, sealed, settings, open_it):
        settings.SEALING_KEYS = [NEW]
        with pytest.raises(Unreadable, match="no key in SEALING_KEYS opens the box") as caught:
            open_it(sealed, of="the box")
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
