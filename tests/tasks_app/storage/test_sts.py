"""Keys from STS: how it is asked, what becomes of its faults, and that nothing of a key is told."""

import logging
import traceback

import pytest

from tasks_app.storage import NoLink
from tasks_app.storage.sts import Sts
from tests.upstreams import answer, cut_before_answer, cut_mid_json, garbage, hang

from .conftest import bucket_of

DOOR = "GetFederationToken"


@pytest.fixture
def bucket(simulator, sts):
    return bucket_of(simulator, sts_endpoint=sts.url)


@pytest.fixture
def client(bucket):
    return Sts(bucket)


class TestAKey:
    def test_is_for_one_object_and_ends_soon_after_its_time(self, client, sts, bucket, time_machine):
        time_machine.move_to(1_800_000_000, tick=False)
        given = client.to_put("uploads/file_1", seconds=3600)
        (key,) = sts.given
        place = "qcs::cos:ap-guangzhou:uid/1250000000:darkroom-1250000000/uploads/file_1"
        assert (key.allows, key.expires_at) == ((("name/cos:PutObject", place),), 1_800_003_660)
        assert (given.secret_id, given.secret_key, given.token) == (key.id, key.secret, key.token)
        assert (given.name, given.region, given.endpoint) == (bucket.name, bucket.region, bucket.endpoint)

    def test_is_asked_for_by_our_key_and_never_twice_the_same(self, client, sts, simulator):
        assert client.to_put("uploads/1", seconds=60).secret_id != client.to_put("uploads/1", seconds=60).secret_id
        with pytest.raises(NoLink, match="SignatureFailure"):
            Sts(bucket_of(simulator, secret_key="another", sts_endpoint=sts.url)).to_put("uploads/1", seconds=60)

    def test_of_what_outlasts_the_clouds_limit_is_refused(self, client):
        with pytest.raises(NoLink, match="OverTimeError"):
            client.to_put("uploads/1", seconds=7200)

    def test_is_of_our_own_bucket_alone(self, sts, simulator):
        with pytest.raises(NoLink, match="GrantOtherResource"):
            Sts(bucket_of(simulator, name="other-1250000001", sts_endpoint=sts.url)).to_put("uploads/1", seconds=60)


class TestAFault:
    @pytest.mark.parametrize(
        "order",
        [
            answer(429),
            answer(500),
            answer(502),
            cut_before_answer(),
            cut_mid_json(),
            garbage(),
            answer(200, code="InvalidParameter.OverLimit"),
        ],
        ids=str,
    )
    def test_that_passes_is_tried_once_more(self, client, sts, order):
        sts.will(order, at=DOOR)
        assert client.to_put("uploads/1", seconds=60).token
        sts.will(order, at=DOOR, times=3)
        with pytest.raises(NoLink, match="the storage can give no link: "):
            client.to_put("uploads/1", seconds=60)
        assert sts.requests[DOOR] == 4

    @pytest.mark.parametrize("charset", ["", "utf-8"])
    def test_that_stays_is_not_and_is_the_operators(self, client, sts, caplog, charset):
        sts.charset = charset
        sts.will(answer(403), at=DOOR)
        with pytest.raises(NoLink, match=r"STS answered AuthFailure.UnauthorizedOperation: the key needs name/sts:GetFederationToken"):
            client.to_put("uploads/1", seconds=60)
        (line,) = [record for record in caplog.records if record.name == "tasks_app.storage.sts"]
        assert (sts.requests[DOOR], line.levelno, line.sts_request_id != "") == (1, logging.ERROR, True)

    def test_of_one_that_never_answers_takes_no_longer_than_its_time(self, bucket, sts):
        sts.will(hang(), at=DOOR, times=2)
        with pytest.raises(NoLink, match="STS did not answer in time"):
            Sts(bucket, timeouts=(10, 0.1)).to_put("uploads/1", seconds=60)

    def test_of_the_network_is_one_too(self, simulator):
        with pytest.raises(NoLink, match="the connection to STS broke"):
            Sts(bucket_of(simulator)).to_put("uploads/1", seconds=60)


class TestSecrets:
    def test_stay_out_of_logs_errors_and_what_is_shown(self, client, sts, bucket, caplog):
        caplog.set_level(logging.DEBUG, "tasks_app")
        given = client.to_put("uploads/1", seconds=60)
        told = [repr(given), repr(client), repr(vars(client))]
        for order in (answer(403), cut_before_answer(), garbage()):
            sts.will(order, at=DOOR, times=2)
            with pytest.raises(NoLink) as caught:
                client.to_put("uploads/1", seconds=60)
            told += traceback.format_exception(caught.value)
            assert (caught.value.__cause__, caught.value.__context__) == (None, None)
            sts.behave()
        said = "".join(told) + caplog.text
        for secret in (bucket.secret_id, bucket.secret_key, given.secret_id, given.secret_key, given.token, "TC3-HMAC"):
            assert secret not in said
