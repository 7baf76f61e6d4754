"""Which secrets sign, and when an old one ends."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from providers.sealing import Unreadable
from tasks_app.webhooks import endpoints, keyring
from tests.cast import START


def kept(ring, *, at=START) -> keyring.Ring:
    """The ring after it was sealed, stored and opened again."""
    return keyring.opened(keyring.sealed(ring), of="it", now=at)


class TestARotation:
    def test_lets_the_old_secret_sign_along_for_a_day_and_no_longer(self):
        old = keyring.fresh()
        new = keyring.rotated(kept(old), now=START)
        assert kept(old).signing == (old.secret,)
        assert kept(new).signing == (new.secret, old.secret)
        assert kept(new, at=START + keyring.OVERLAP * 0.999).signing == (new.secret, old.secret)
        assert kept(new, at=START + keyring.OVERLAP) == keyring.Ring(new.secret)

    def test_soon_after_another_leaves_two(self):
        first = keyring.fresh()
        second = keyring.rotated(first, now=START)
        third = keyring.rotated(second, now=START)
        assert kept(third).signing == (third.secret, second.secret)

    def test_of_a_ring_that_is_lost_begins_anew(self):
        assert keyring.rotated(None, now=START).old is None


class TestAKeyring:
    def test_shows_no_secret_at_rest_or_in_a_trace(self):
        ring = keyring.rotated(keyring.fresh(), now=START)
        for secret in ring.signing:
            assert secret not in keyring.sealed(ring) + repr(ring)
            assert secret.removeprefix("whsec_") not in keyring.sealed(ring)

    def test_that_no_key_opens_is_named_without_a_secret(self, settings):
        sealed = keyring.sealed(keyring.fresh())
        settings.SEALING_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(Unreadable, match="no key in SEALING_KEYS opens it"):
            keyring.opened(sealed, of="it", now=START)


class TestResealing:
    def test_covers_every_webhook_secret_so_that_the_older_keys_may_go(self, acme, bolt, settings, clock, capsys):
        old, new = (Fernet.generate_key().decode() for _ in range(2))
        settings.SEALING_KEYS = [old]
        made = endpoints.create(acme.id, url="https://example.com/", now=clock())
        own = endpoints.account_ring(bolt.id, now=clock())
        settings.SEALING_KEYS = [new, old]
        call_command("reseal_credentials")
        assert capsys.readouterr().out == "2 resealed; the other keys may go from SEALING_KEYS now.\n"
        settings.SEALING_KEYS = [new]
        made.endpoint.refresh_from_db()
        assert keyring.opened(made.endpoint.sealed, of="it", now=clock()).secret == made.secret
        assert endpoints.account_ring(bolt.id, now=clock()) == own
