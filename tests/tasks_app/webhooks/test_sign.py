"""What the official library says of our signatures."""

import base64

import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from tasks_app.webhooks import sign
from tests.cast import START

BODY = '{"type":"task.succeeded","data":"Bär 🐻"}'.encode()
NOW = int(START.timestamp())


@pytest.fixture(autouse=True)
def moment():
    with time_machine.travel(START, tick=False):
        yield


def signed(*secrets, timestamp=NOW):
    return sign.headers("whd_1", timestamp, BODY, secrets)


class TestASignature:
    def test_is_what_the_official_library_accepts(self):
        secret = sign.new_secret()
        assert Webhook(secret).verify(BODY, signed(secret))["type"] == "task.succeeded"

    def test_is_the_one_that_the_official_library_makes(self):
        secret = sign.new_secret()
        assert signed(secret)["webhook-signature"] == Webhook(secret).sign("whd_1", START, BODY.decode())

    def test_of_another_body_id_or_moment_is_refused(self):
        secret = sign.new_secret()
        judge, headers = Webhook(secret), signed(secret)
        for body, changed in (
            (BODY + b" ", {}),
            (BODY, {"webhook-id": "whd_2"}),
            (BODY, {"webhook-timestamp": str(NOW + 1)}),
        ):
            with pytest.raises(WebhookVerificationError, match="No matching signature"):
                judge.verify(body, headers | changed)

    def test_of_an_old_moment_is_refused_so_a_recorded_request_is_of_no_use(self):
        secret = sign.new_secret()
        with pytest.raises(WebhookVerificationError, match="too old"):
            Webhook(secret).verify(BODY, signed(secret, timestamp=NOW - 3600))

    def test_by_two_secrets_is_accepted_by_the_holder_of_either_and_no_other(self):
        old, new, stranger = (sign.new_secret() for _ in range(3))
        headers = signed(new, old)
        for secret in (old, new):
            Webhook(secret).verify(BODY, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(stranger).verify(BODY, headers)


class TestASecret:
    def test_is_of_the_form_and_length_that_the_specification_asks_for(self):
        secret = sign.new_secret()
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64

    def test_is_never_made_twice(self):
        assert len({sign.new_secret() for _ in range(1000)}) == 1000
