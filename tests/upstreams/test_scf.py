"""The simulated SCF: as strict as the cloud, judged by Tencent's own SDK and by requests that no SDK would send."""

import http.client
import json
import time

import pytest
from tencentcloud.common.common_client import CommonClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.scf.v20180416 import models

from . import Cos, Scf, answer, cut_before_answer, fail, garbage, say, tc3, twice
from .scf_parameters import ACTIONS

CLASSES = {"Variables": "Variable", "Filter": "LogFilter"}  # fields whose class has another name
IMAGE = "registry.example/darkroom/test_card:1"
CARD = {"token": "t1", "kind": "image.generate", "input": {"prompt": "reef", "size": "64x64"}}
SLOW = {"token": "t1", "kind": "video.generate", "input": {"prompt": "reef", "duration": 30, "resolution": "720p"}}


@pytest.fixture
def scf():
    with Scf() as running:
        yield running


@pytest.fixture
def sky(scf):
    """The bucket beside it."""
    with Cos() as cos:
        cos.trust(scf.role)
        yield cos


@pytest.fixture
def sdk(scf):
    """An action by Tencent's SDK: sdk("GetFunction", FunctionName=…)."""
    return bound(scf)


def bound(scf, *, id=Scf.SECRET_ID, key=Scf.SECRET_KEY, region="", version="2018-04-16"):
    profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=f"127.0.0.1:{scf.port}", reqTimeout=20))
    client = CommonClient("scf", version, Credential(id, key), region or scf.region, profile)
    return lambda action, **given: client.call_json(action, given)["Response"]


def refused(call, *args, **given) -> str:
    with pytest.raises(TencentCloudSDKException) as caught:
        call(*args, **given)
    return caught.value.code


def created(sdk, cos=None, **more):
    """A function that is Active."""
    variables = {"COS_BUCKET": cos.name, "COS_REGION": cos.region, "COS_ENDPOINT": cos.url} if cos else {}
    given = {
        "FunctionName": "card",
        "Runtime": "CustomImage",
        "Code": {"ImageConfig": {"ImageType": "personal", "ImageUri": IMAGE, "ImagePort": 9000}},
        "MemorySize": 1024,
        "Timeout": 60,
        "Role": "function",
        "AsyncRunEnable": "TRUE",
        "TraceEnable": "TRUE",
        "Environment": {"Variables": [{"Key": key, "Value": value} for key, value in variables.items()]},
    }
    sdk("CreateFunction", **given | more)
    active(sdk)


def active(sdk):
    while sdk("GetFunction", FunctionName="card")["Status"] in ("Creating", "Updating", "Publishing"):
        pass


def invoked(sdk, event=CARD, **more):
    return sdk("Invoke", FunctionName="card", InvocationType="Event", ClientContext=json.dumps(event), **more)["Result"][
        "FunctionRequestId"
    ]


def over(scf, id):
    scf.wait_until(lambda scf: scf.executions[id].is_over, timeout=30)
    return scf.executions[id]


def raw(scf, body=b"{}", *, method="POST", path="/", signed=("content-type", "host"), at=0, **headers):
    """A request signed by the documentation's recipe; returns its status, its content type and what it says."""
    timestamp = str(int(time.time()) + at)
    known = {"content-type": "application/json", "host": f"127.0.0.1:{scf.port}", "x-tc-action": "ListFunctions"}
    known |= {"x-tc-version": "2018-04-16", "x-tc-region": scf.region, "x-tc-timestamp": timestamp}
    known |= {name.replace("_", "-"): value for name, value in headers.items()}
    claim = tc3.Claim(scf.SECRET_ID, tc3.date_of(timestamp), "scf", tuple(signed), "")
    signature = tc3.signature(scf.SECRET_KEY, claim, timestamp=timestamp, headers=known, body=body)
    credential = f"{claim.secret_id}/{claim.date}/scf/tc3_request"
    known.setdefault("authorization", f"{tc3.ALGORITHM} Credential={credential}, SignedHeaders={';'.join(signed)}, Signature={signature}")
    connection = http.client.HTTPConnection("127.0.0.1", scf.port, timeout=5)
    connection.request(method, path, body, {name: value for name, value in known.items() if value})
    reply = connection.getresponse()
    return reply.status, reply.headers["Content-Type"], json.loads(reply.read())["Response"]


class TestTheSignatureByTheWorkedExamples:
    @pytest.mark.parametrize(
        ("id", "key", "service", "timestamp", "host", "body", "expected"),
        [
            (
                "AKIDEXAMPLE",
                "SECRETEXAMPLE",
                "scf",
                "1700000000",
                "scf.tencentcloudapi.com",
                r'{"FunctionName": "darkroom-stitch", "InvocationType": "Event", "ClientContext": "{\"task\":\"t1\"}"}',
                "b7d0fe502d70fbcb0adf380adb7705779fcb0c0df9eb69446701989b578bf3d5",
            ),
            (
                "AKIDEXAMPLE0000000000000000000000000",
                "EXAMPLESECRETKEY0000000000000000",
                "vclm",
                "1767225600",
                "vclm.tencentcloudapi.com",
                '{"JobId":"1387262242604040192"}',
                "0ce5642c817e62fa63163ada885e4fd1815ab69d7986319f7ef2e25cee21b8ae",
            ),
        ],
    )
    def test_is_the_one_in_them(self, id, key, service, timestamp, host, body, expected):
        claim = tc3.Claim(id, tc3.date_of(timestamp), service, ("content-type", "host"), "")
        headers = {"content-type": "application/json", "host": host}
        assert tc3.signature(key, claim, timestamp=timestamp, headers=headers, body=body.encode()) == expected

    def test_is_the_one_that_the_sdk_makes(self, sdk):
        assert sdk("ListFunctions")["TotalCount"] == 0


class TestARequestThatTheCloudWouldNotTake:
    def test_one_that_it_takes_is_answered_under_the_bare_content_type(self, scf):
        status, kind, told = raw(scf)
        assert (status, kind, told["Functions"]) == (200, "application/json", [])

    @pytest.mark.parametrize(
        ("given", "code"),
        [
            ({"authorization": "Bearer x"}, "AuthFailure.InvalidAuthorization"),
            ({"authorization": ""}, "AuthFailure.InvalidAuthorization"),
            ({"signed": ("host",)}, "AuthFailure.InvalidAuthorization"),
            ({"at": -301}, "AuthFailure.SignatureExpire"),
            ({"at": 301}, "AuthFailure.SignatureExpire"),
            ({"x_tc_action": "ListFunction"}, "InvalidAction"),
            ({"x_tc_version": "2018-04-15"}, "NoSuchVersion"),
            ({"x_tc_region": "eu-frankfurt"}, "UnsupportedRegion"),
            ({"content_type": "application/json; charset=utf-8"}, "UnsupportedProtocol"),
            ({"path": "/?a=1"}, "UnsupportedProtocol"),
            ({"body": b"[]"}, "InvalidParameter"),
            ({"body": b"{"}, "InvalidParameter"),
            ({"body": b'{"Color": 1}'}, "UnknownParameter"),
            ({"body": b'{"Limit": "ten"}'}, "InvalidParameter"),
            ({"body": b"{}", "x_tc_action": "GetFunction"}, "MissingParameter"),
        ],
    )
    def test_is_refused_by_the_clouds_code_and_http_200(self, scf, given, code):
        status, _, told = raw(scf, **given)
        assert (status, told["Error"]["Code"]) == (200, code)
        assert told["RequestId"]

    def test_one_whose_body_was_changed_is_refused(self, scf):
        stolen = tc3.signature(
            scf.SECRET_KEY,
            tc3.Claim(scf.SECRET_ID, tc3.date_of(str(int(time.time()))), "scf", ("content-type", "host"), ""),
            timestamp=str(int(time.time())),
            headers={"content-type": "application/json", "host": f"127.0.0.1:{scf.port}"},
            body=b'{"Limit": 1}',
        )
        credential = f"{scf.SECRET_ID}/{tc3.date_of(str(int(time.time())))}/scf/tc3_request"
        authorization = f"{tc3.ALGORITHM} Credential={credential}, SignedHeaders=content-type;host, Signature={stolen}"
        assert raw(scf, b'{"Limit": 2}', authorization=authorization)[2]["Error"]["Code"] == "AuthFailure.SignatureFailure"

    def test_wrong_keys_are_refused(self, scf):
        assert refused(bound(scf, id="AKIDother"), "ListFunctions") == "AuthFailure.SecretIdNotFound"
        assert refused(bound(scf, key="other"), "ListFunctions") == "AuthFailure.SignatureFailure"


class TestItsParameters:
    @pytest.mark.parametrize("action", ACTIONS)
    def test_are_those_that_the_sdk_knows(self, action):
        compare(ACTIONS[action], getattr(models, f"{action}Request"))


def compare(table, model):
    """Every name of a table is a field of the SDK's class, and so below; a field's class has its name, or is told by it."""
    known = {name.removeprefix("_") for name in vars(model())}
    assert {name.rstrip("!") for name in table} <= known
    for name, shape in table.items():
        below = shape[0] if isinstance(shape, list) else shape
        if isinstance(below, dict):
            compare(below, getattr(models, CLASSES.get(name.rstrip("!"), name.rstrip("!"))))


class TestAFunction:
    def test_is_created_in_its_own_time_with_defaults_that_bite(self, scf, sdk):
        image = {"ImageConfig": {"ImageType": "personal", "ImageUri": IMAGE}}
        sdk("CreateFunction", FunctionName="card", Runtime="CustomImage", Code=image)
        seen = [sdk("GetFunction", FunctionName="card") for _ in range(2)]
        assert [one["Status"] for one in seen] == ["Creating", "Active"]
        assert (seen[1]["Timeout"], seen[1]["MemorySize"], seen[1]["AsyncRunEnable"]) == (3, 128, "FALSE")

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"Runtime": None}, "InvalidParameterValue.Runtime"),
            ({"MemorySize": 1000}, "InvalidParameterValue.Memory"),
            ({"Timeout": 86_401}, "InvalidParameterValue.Timeout"),
            ({"Timeout": 901, "AsyncRunEnable": "FALSE"}, "InvalidParameterValue.Timeout"),
            ({"AsyncRunEnable": "true"}, "InvalidParameterValue.AsyncRunEnable"),
            ({"FunctionName": "x" * 61}, "InvalidParameterValue.FunctionName"),
            ({"Environment": {"Variables": [{"Key": "SCF_A", "Value": "1"}]}}, "InvalidParameterValue.EnvironmentSystemProtect"),
            ({"Environment": {"Variables": [{"Key": "A", "Value": "x" * 4096}]}}, "InvalidParameterValue.EnvironmentExceededLimit"),
            ({"Code": {"ImageConfig": {"ImageType": "personal", "ImageUri": "a/none:1"}}}, "ResourceNotFound.ImageConfig"),
            ({"Code": {"ImageConfig": {"ImageType": "enterprise", "ImageUri": IMAGE}}}, "InvalidParameterValue.RegistryId"),
            ({"Tracing": "TRUE"}, "UnknownParameter"),
        ],
    )
    def test_that_cannot_be_is_refused(self, sdk, more, code):
        assert refused(created, sdk, **more) == code

    def test_cannot_be_made_twice_and_can_be_made_anew(self, sdk):
        created(sdk)
        assert refused(created, sdk) == "ResourceInUse.FunctionName"
        sdk("DeleteFunction", FunctionName="card")
        assert refused(sdk, "GetFunction", FunctionName="card") == "ResourceNotFound.Function"
        created(sdk)

    def test_takes_no_change_while_another_is_under_way(self, sdk):
        created(sdk)
        sdk("UpdateFunctionConfiguration", FunctionName="card", MemorySize=2048)
        assert refused(sdk, "PublishVersion", FunctionName="card") == "FailedOperation.FunctionStatusError"
        active(sdk)
        assert sdk("GetFunction", FunctionName="card")["MemorySize"] == 2048

    def test_keeps_its_old_code_where_an_update_fails(self, scf, sdk):
        created(sdk)
        scf.will(fail(), at="UpdateFunctionConfiguration")
        sdk("UpdateFunctionConfiguration", FunctionName="card", MemorySize=2048)
        active(sdk)
        found = sdk("GetFunction", FunctionName="card")
        assert (found["Status"], found["MemorySize"]) == ("UpdateFailed", 1024)

    def test_has_versions_that_stay_as_they_were_and_aliases_that_move(self, sdk):
        created(sdk)
        assert sdk("PublishVersion", FunctionName="card", Description="one")["FunctionVersion"] == "1"
        active(sdk)
        sdk("CreateAlias", FunctionName="card", Name="live", FunctionVersion="1")
        sdk("UpdateFunctionConfiguration", FunctionName="card", MemorySize=2048)
        active(sdk)
        assert sdk("GetFunction", FunctionName="card", Qualifier="live")["MemorySize"] == 1024
        assert refused(sdk, "UpdateAlias", FunctionName="card", Name="live", FunctionVersion="2") == "ResourceNotFound.FunctionVersion"
        assert refused(sdk, "UpdateAlias", FunctionName="card", Name="dead", FunctionVersion="1") == "ResourceNotFound.Alias"
        assert refused(sdk, "CreateAlias", FunctionName="card", Name="live", FunctionVersion="1") == "ResourceInUse.Alias"
        assert refused(sdk, "GetFunction", FunctionName="card", Qualifier="9") == "ResourceNotFound.Qualifier"

    def test_would_be_run_three_times_unless_told_otherwise(self, sdk):
        created(sdk)
        told = sdk("GetFunctionEventInvokeConfig", FunctionName="card")["AsyncTriggerConfig"]
        assert told == {"RetryConfig": [{"RetryNum": 2}], "MsgTTL": 21600}


class TestARun:
    def test_that_is_put_off_really_runs_and_leaves_its_result_in_the_bucket(self, scf, sdk, sky):
        created(sdk, sky)
        id = invoked(sdk)
        assert sdk("GetAsyncEventStatus", InvokeRequestId=id)["Result"]["Status"] == "RUNNING"
        assert over(scf, id).state == "FINISHED"
        assert {key.split("/")[1] for key in sky.objects} == {"out", "results"}
        assert sdk("GetAsyncEventStatus", InvokeRequestId=id)["Result"]["Status"] == "FINISHED"
        (line,) = sdk("GetFunctionLogs", FunctionName="card")["Data"]
        assert (line["RequestId"], line["RetCode"], line["InvokeFinished"]) == (id, 0, 1)

    def test_that_is_waited_for_gives_its_envelope_as_json_within_json(self, sdk, sky):
        created(sdk, sky)
        result = sdk("InvokeFunction", FunctionName="card", Event=json.dumps(CARD))["Result"]
        assert json.loads(result["RetMsg"])["ok"]

    @pytest.mark.parametrize(
        ("action", "given", "code"),
        [
            ("Invoke", {"FunctionName": "none"}, "ResourceNotFound.Function"),
            ("Invoke", {"Namespace": "other"}, "ResourceNotFound.Function"),
            ("Invoke", {"Qualifier": "live"}, "ResourceNotFound.Qualifier"),
            ("Invoke", {"InvocationType": "DryRun"}, "InvalidParameterValue.InvokeType"),
            ("Invoke", {"InvocationType": "Event", "ClientContext": "{"}, "InvalidParameter.Payload"),
            ("Invoke", {"InvocationType": "Event", "ClientContext": json.dumps("x" * 131_071)}, "InvalidParameter.RequestTooLarge"),
            ("InvokeFunction", {"Event": json.dumps("x" * 6 * 1024 * 1024)}, "InvalidParameter.RequestTooLarge"),
            ("InvokeFunction", {"InvocationType": "Event"}, "UnknownParameter"),
            ("GetAsyncEventStatus", {"FunctionName": None, "InvokeRequestId": "none"}, "ResourceNotFound.AsyncEvent"),
            ("TerminateAsyncEvent", {"InvokeRequestId": "none"}, "ResourceNotFound.AsyncEvent"),
        ],
    )
    def test_that_cannot_be_is_refused_by_the_clouds_code(self, sdk, action, given, code):
        created(sdk)
        given = {name: value for name, value in ({"FunctionName": "card"} | given).items() if value is not None}
        assert refused(sdk, action, **given) == code

    def test_may_be_asked_about_twenty_times_a_second(self, sdk):
        codes = [refused(sdk, "GetAsyncEventStatus", InvokeRequestId="none") for _ in range(200)]
        assert set(codes[:20]) == {"ResourceNotFound.AsyncEvent"}
        assert "RequestLimitExceeded" in codes

    def test_that_is_ended_is_aborted_once(self, scf, sdk, sky):
        created(sdk, sky)
        id = invoked(sdk, SLOW)
        sdk("TerminateAsyncEvent", FunctionName="card", InvokeRequestId=id)
        assert sdk("GetAsyncEventStatus", InvokeRequestId=id)["Result"]["Status"] == "ABORTED"
        assert refused(sdk, "TerminateAsyncEvent", FunctionName="card", InvokeRequestId=id) == "FailedOperation.AsyncEventStatus"

    def test_longer_than_its_function_may_is_killed(self, scf, sdk, sky):
        created(sdk, sky, Timeout=1)
        assert over(scf, invoked(sdk, SLOW)).code == 433

    def test_whose_process_dies_has_failed(self, scf, sdk, sky):
        created(sdk, sky)
        id = invoked(sdk, SLOW)
        sky.wait_until(lambda cos: cos.requests["get"])
        scf.kill(id)
        assert (over(scf, id).state, scf.executions[id].code) == ("FAILED", 439)

    def test_begins_no_process_where_one_is_idle(self, scf, sdk, sky):
        created(sdk, sky)
        for _ in range(2):
            for id in [invoked(sdk, CARD | {"token": f"t{number}"}) for number in range(3)]:
                assert over(scf, id).state == "FINISHED"
        assert len({one.instance for one in scf.executions.values()}) <= 3

    def test_of_a_function_made_without_asynchronous_execution_cannot_be_asked_about(self, scf, sdk, sky):
        created(sdk, sky, AsyncRunEnable="FALSE")
        id = invoked(sdk)
        over(scf, id)
        assert refused(sdk, "GetAsyncEventStatus", InvokeRequestId=id) == "ResourceNotFound.AsyncEvent"

    def test_beyond_what_is_reserved_has_no_room_and_that_is_told_as_a_result(self, scf, sdk, sky):
        created(sdk, sky)
        sdk("PutReservedConcurrencyConfig", FunctionName="card", ReservedConcurrencyMem=1024)
        invoked(sdk, SLOW)
        result = sdk("InvokeFunction", FunctionName="card", Event="{}")["Result"]
        assert json.loads(result["RetMsg"])["statusCode"] == 432


class TestOrders:
    @pytest.fixture(autouse=True)
    def card(self, sdk, sky):
        created(sdk, sky)

    def test_to_refuse(self, scf, sdk):
        scf.will(answer(429), answer(500), answer(403), answer(400, code="InvalidParameter.Payload"), at="Invoke")
        codes = [refused(invoked, sdk) for _ in range(4)]
        assert codes == ["RequestLimitExceeded", "InternalError.System", "UnauthorizedOperation.CAM", "InvalidParameter.Payload"]

    def test_to_be_a_gateway(self, scf, sdk):
        scf.will(answer(502), at="Invoke")
        assert refused(invoked, sdk) == "ServerNetworkError"
        assert scf.executions == {}

    def test_to_run_and_say_nothing(self, scf, sdk):
        scf.will(cut_before_answer(), at="Invoke")
        assert refused(invoked, sdk) == "ClientNetworkError"
        assert over(scf, *scf.executions).state == "FINISHED"

    def test_to_say_nothing_and_not_to_run(self, scf, sdk):
        scf.will(cut_before_answer(accepts=False), garbage(accepts=False), at="Invoke")
        assert refused(invoked, sdk) == "ClientNetworkError"
        with pytest.raises(ValueError):
            invoked(sdk)
        assert scf.executions == {}

    def test_to_run_twice(self, scf, sdk):
        scf.will(twice(), at="Invoke")
        run = over(scf, invoked(sdk))
        scf.wait_until(lambda scf: not scf.running, timeout=30)
        assert (run.state, run.deliveries) == ("FINISHED", 2)

    def test_to_lose_an_event(self, scf, sdk):
        scf.will(fail("lost"), at="Invoke")
        assert refused(sdk, "GetAsyncEventStatus", InvokeRequestId=invoked(sdk)) == "ResourceNotFound.AsyncEvent"

    def test_to_be_late_with_a_status(self, scf, sdk):
        id = invoked(sdk)
        over(scf, id)
        scf.will(say("RUNNING"), at="GetAsyncEventStatus")
        assert [sdk("GetAsyncEventStatus", InvokeRequestId=id)["Result"]["Status"] for _ in range(2)] == ["RUNNING", "FINISHED"]
