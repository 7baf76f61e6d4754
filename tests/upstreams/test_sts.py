"""The simulated STS: as strict as the cloud, judged by Tencent's own SDK."""

import json
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile

from . import Cos, Sts, sts_keys
from .test_cos import bound, refused

RESOURCE = "qcs::cos:ap-guangzhou:uid/1250000000:darkroom-1250000000/uploads/*"
STATEMENT = {"effect": "allow", "action": ["name/cos:PutObject"], "resource": [RESOURCE]}


@pytest.fixture
def sts() -> Iterator[Sts]:
    with Sts() as running:
        yield running


def policy(**statement) -> str:
    return quote(json.dumps({"version": "2.0", "statement": [STATEMENT | statement]}))


def asked(sts, *, action="GetFederationToken", version="2018-08-13", key=Cos.SECRET_KEY, id=Cos.SECRET_ID, **parameters):
    """What the cloud gives out, or its word for a refusal."""
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=f"127.0.0.1:{sts.port}"))
    client = CommonClient("sts", version, Credential(id, key), "ap-guangzhou", profile)
    try:
        return client.call_json(action, {"Name": "darkroom", "Policy": policy()} | parameters)["Response"]
    except TencentCloudSDKException as refusal:
        return refusal.code


def test_a_key_lasts_half_an_hour_where_nothing_is_said(sts, time_machine):
    time_machine.move_to(1_800_000_000, tick=False)
    given = asked(sts)
    assert (given["ExpiredTime"], given["Expiration"]) == (1_800_001_800, "2027-01-15T08:30:00Z")
    key = sts_keys.read(given["Credentials"]["TmpSecretId"], given["Credentials"]["Token"])
    assert key == sts.given[0]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"action": "GetToken"}, "InvalidAction"),
        ({"version": "2018-08-14"}, "NoSuchVersion"),
        ({"id": "AKIDother"}, "AuthFailure.SecretIdNotFound"),
        ({"key": "another"}, "AuthFailure.SignatureFailure"),
        ({"Names": "x"}, "UnknownParameter"),
        ({"Name": "darkroom-1"}, "InvalidParameter.ParamError"),
        ({"DurationSeconds": 7201}, "InvalidParameter.OverTimeError"),
        ({"DurationSeconds": 0}, "InvalidParameterValue"),
        ({"Policy": json.dumps({"version": "2.0", "statement": [STATEMENT]})}, "InvalidParameter.StrategyFormatError"),
        ({"Policy": "%7B%22version"}, "InvalidParameter.StrategyFormatError"),
        ({"Policy": policy(principal={"qcs": ["*"]})}, "InvalidParameter.StrategyFormatError"),
        ({"Policy": policy(resource=["darkroom-1250000000/uploads/*"])}, "InvalidParameter.ResouceError"),
        ({"Policy": policy(resource=[RESOURCE.replace("uid/1250000000", "uid/1")])}, "InvalidParameter.GrantOtherResource"),
    ],
)
def test_what_the_cloud_refuses_is_refused_by_its_word(sts, wrong, code):
    assert (asked(sts, **wrong), sts.given) == (code, [])


def test_a_token_opens_its_own_key_and_no_other(sts):
    first, second = (asked(sts)["Credentials"] for _ in range(2))
    assert sts_keys.read(first["TmpSecretId"], second["Token"]) is None
    assert sts_keys.read(first["TmpSecretId"], first["Token"][:-8] + "AAAAAAAA") is None


class TestAKeyAtTheBucket:
    """As test_cos.py looks at its owner's."""

    @pytest.fixture
    def cos(self) -> Iterator[Cos]:
        with Cos() as running:
            yield running

    def by(self, cos, *allows, ends_in_s=60, **more):
        place = RESOURCE.removesuffix("uploads/*")
        pairs = [(f"name/cos:{action}", f"{place}{pattern}") for action, pattern in allows]
        key = sts_keys.issued(pairs, expires_at=int(time.time()) + ends_in_s)
        return bound(cos, **{"SecretId": key.id, "SecretKey": key.secret, "Token": key.token} | more)

    def test_does_what_its_policy_says_and_no_more(self, cos):
        one = self.by(cos, ("PutObject", "uploads/1"))
        one("put_object", Key="uploads/1", Body=b"x")
        assert refused(one, "put_object", Key="uploads/10", Body=b"x") == (403, "AccessDenied")
        assert refused(one, "get_object", Key="uploads/1") == (403, "AccessDenied")
        assert refused(one, "list_objects") == (403, "AccessDenied")
        self.by(cos, ("PutObject", "uploads/*"))("put_object", Key="uploads/10", Body=b"x")
        assert list(cos.objects) == ["uploads/1", "uploads/10"]

    def test_copies_only_what_it_may_read(self, cos):
        bound(cos)("put_object", Key="outputs/1", Body=b"x")
        copy = {"Key": "uploads/1", "CopySource": {"Bucket": cos.name, "Key": "outputs/1", "Region": cos.region}}
        writes, reads = ("PutObject", "uploads/*"), ("GetObject", "outputs/*")
        assert [refused(self.by(cos, right), "copy_object", **copy)[0] for right in (writes, reads)] == [403, 403]
        self.by(cos, writes, reads)("copy_object", **copy)
        assert list(cos.objects) == ["outputs/1", "uploads/1"]

    def test_is_over_with_its_time_and_nothing_without_its_token(self, cos):
        right = ("PutObject", "*")
        assert refused(self.by(cos, right, ends_in_s=0), "put_object", Key="a", Body=b"x") == (403, "ExpiredToken")
        for token in (None, "another", sts_keys.issued([], expires_at=2**33).token):
            assert refused(self.by(cos, right, Token=token), "put_object", Key="a", Body=b"x") == (403, "InvalidAccessKeyId")
        assert refused(self.by(cos, right, SecretKey="another"), "put_object", Key="a", Body=b"x") == (403, "SignatureDoesNotMatch")

    def test_is_for_the_bucket_that_its_policy_names(self, cos):
        with Cos(name="other-1250000000") as other:
            assert refused(self.by(other, ("PutObject", "*")), "put_object", Key="a", Body=b"x") == (403, "AccessDenied")
