"""Requests as Tencent's SDKs write and sign them."""

import logging
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from scf_client.account import Account, Bucket
from scf_client.signing import CosSigner, ScfSigner, scf_client
from tests.upstreams import Cos

BUCKET = Bucket("darkroom-1250000000", "ap-guangzhou", "AKIDEXAMPLE", "SECRETEXAMPLE")
ACCOUNT = Account("ap-guangzhou", "default", "AKIDEXAMPLE", "SECRETEXAMPLE", BUCKET)


class TestACallOfScf:
    def test_is_that_of_the_documentations_example(self, time_machine):
        time_machine.move_to(datetime.fromtimestamp(1700000000, UTC), tick=False)
        event = {"FunctionName": "darkroom-stitch", "InvocationType": "Event", "ClientContext": '{"task":"t1"}'}
        signed = ScfSigner(ACCOUNT).signed("Invoke", event)
        assert (signed.method, signed.url) == ("POST", "https://scf.tencentcloudapi.com/")
        assert signed.headers["Authorization"] == (
            "TC3-HMAC-SHA256 Credential=AKIDEXAMPLE/2023-11-14/scf/tc3_request, SignedHeaders=content-type;host, "
            "Signature=b7d0fe502d70fbcb0adf380adb7705779fcb0c0df9eb69446701989b578bf3d5"
        )
        about = {"X-TC-Action": "Invoke", "X-TC-Version": "2018-04-16", "X-TC-Region": "ap-guangzhou", "X-TC-Timestamp": "1700000000"}
        assert about.items() <= signed.headers.items()

    def test_is_never_repeated_nor_sent_to_another_region_by_the_sdk(self):
        profile = scf_client(ACCOUNT).profile
        assert (profile.retryer, profile.disable_region_breaker) == (None, True)

    def test_has_headers_of_its_own(self):
        signer = ScfSigner(ACCOUNT)
        first = signer.signed("Invoke", {"FunctionName": "a"})
        kept = dict(first.headers)
        signer.signed("Invoke", {"FunctionName": "b"})
        assert first.headers == kept


class TestACallOfCos:
    @pytest.mark.parametrize("token", ["", "temporary+/="])
    def test_is_one_that_cos_takes_and_so_is_a_link(self, token):
        with Cos(token=token) as cos:
            incoming = cos.bucket.incoming()
            incoming.write(b"here")
            cos.bucket.put("outputs/task_1/0", incoming.whole({}))
            signer = CosSigner(Bucket(cos.name, cos.region, cos.SECRET_ID, cos.SECRET_KEY, token, cos.url))
            assert urlopen(signer.link("outputs/task_1/0"), timeout=5).read() == b"here"

    def test_of_a_bucket_at_tencent_goes_to_its_own_host(self):
        signed = CosSigner(BUCKET).signed("GET", "functions/results/t1.json")
        assert signed.url == "https://darkroom-1250000000.cos.ap-guangzhou.myqcloud.com/functions/results/t1.json"
        assert CosSigner(BUCKET).link("a/b").startswith("https://darkroom-1250000000.cos.ap-guangzhou.myqcloud.com/a/b?")


def test_no_key_and_no_signature_is_shown_or_logged(caplog):
    caplog.set_level(logging.DEBUG)
    shown = repr(ACCOUNT) + repr(BUCKET) + repr(ScfSigner(ACCOUNT).signed("Invoke", {})) + repr(CosSigner(BUCKET).signed("GET", "a"))
    assert "ap-guangzhou" in shown
    assert not [secret for secret in ("SECRETEXAMPLE", "AKIDEXAMPLE", "Signature", "q-sign") if secret in shown + caplog.text]
