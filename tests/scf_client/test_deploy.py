"""From what is deployed to what this source says: the plan on paper, and the steps at a simulated cloud."""

from dataclasses import replace

import pytest

from scf_client import deploy, pack
from scf_client.client import CloudError, Unreadable
from scf_client.control import Control, Cut, Unreachable
from scf_client.deploy import CannotDeploy, Config, Found, Wanted
from tests.servers import free_port
from tests.upstreams import answer, cut_before_answer, cut_mid_json, fail, garbage, hang

from . import cloud

CONFIG = Config("registry.example/darkroom/test_card:2", 2048, 1800, "role", {"COS_BUCKET": "darkroom-1"})
GOAL = Wanted("test_card", CONFIG, asynchronous=True, reserved_mb=16384)
THERE = Found(CONFIG, asynchronous=True, live="3", live_config=CONFIG, reserved_mb=16384, retries=0)
OLD = replace(CONFIG, image="registry.example/darkroom/test_card:1")


def steps(found) -> list[str]:
    return [step.action for step in deploy.plan(found, GOAL)]


class TestThePlan:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (None, ["create", "retries", "reserve", "publish", "alias"]),
            (THERE, []),
            (replace(THERE, config=OLD, live_config=OLD), ["code", "publish", "alias"]),
            (replace(THERE, config=replace(CONFIG, memory_mb=512), live_config=OLD), ["configuration", "publish", "alias"]),
            (replace(THERE, config=replace(CONFIG, environment={}), live_config=OLD), ["configuration", "publish", "alias"]),
            (replace(THERE, retries=2), ["retries"]),
            (replace(THERE, reserved_mb=None), ["reserve"]),
            (replace(THERE, live="", live_config=None), ["publish", "alias"]),
            (replace(THERE, live="2", live_config=OLD), ["publish", "alias"]),
            (replace(THERE, status="UpdateFailed"), ["code"]),
            (
                replace(THERE, status="CreateFailed", live="", live_config=None),
                ["remove", "create", "retries", "reserve", "publish", "alias"],
            ),
        ],
    )
    def test_leads_from_what_is_there_to_what_is_wanted_and_no_further(self, found, expected):
        assert steps(found) == expected

    @pytest.mark.parametrize("asynchronous", [True, False])
    def test_does_not_change_what_cannot_be_changed(self, asynchronous):
        with pytest.raises(CannotDeploy, match="remove it first"):
            deploy.plan(replace(THERE, asynchronous=not asynchronous), replace(GOAL, asynchronous=asynchronous))


@pytest.fixture
def sky():
    with cloud.sky() as sky:
        yield sky


def test_every_function_has_a_size():
    assert sorted(deploy.SIZES) == pack.names()


class TestADeploy:
    def test_makes_a_function_as_it_shall_be(self, sky):
        sky.deploy("video_compose")
        function = sky.scf.functions["darkroom-video-compose"]
        assert (function.asynchronous, function.traced, function.retries, function.reserved) == (True, True, 0, 2 * 3072)
        assert (function.config.memory, function.config.timeout, function.config.role) == (3072, 3600, "darkroom-function")
        assert function.config.environment["COS_BUCKET"] == sky.cos.name
        assert (function.aliases, function.versions["1"]) == ({"live": "1"}, function.config)

    def test_makes_text_without_asynchronous_execution_because_it_is_waited_for(self, sky):
        sky.deploy("text_process")
        assert not sky.scf.functions["darkroom-text-process"].asynchronous

    def test_gives_a_function_no_key_of_ours(self, sky):
        sky.deploy("test_card")
        given = str(sky.scf.functions["darkroom-test-card"].config.environment)
        assert not [secret for secret in (sky.cos.SECRET_ID, sky.cos.SECRET_KEY, sky.scf.SECRET_KEY) if secret in given]

    def test_taken_again_changes_nothing(self, sky):
        sky.deploy("test_card")
        assert sky.deploy("test_card") == []

    def test_of_another_size_publishes_another_version(self, sky):
        sky.deploy("test_card")
        other = replace(cloud.PLACE, role="another-role", instances=3)
        assert sky.deploy("test_card", place=other) == ["configuration", "reserve", "publish", "alias"]
        assert sky.scf.functions["darkroom-test-card"].aliases == {"live": "2"}

    @pytest.mark.parametrize("action", ["PutReservedConcurrencyConfig", "PublishVersion", "CreateAlias"])
    @pytest.mark.parametrize("order", [cut_before_answer(), cut_before_answer(accepts=False), answer(429)])
    def test_that_broke_off_is_simply_taken_again(self, sky, action, order):
        sky.scf.will(order, at=action)
        with pytest.raises((Cut, CloudError)):
            sky.deploy("test_card")
        sky.deploy("test_card")
        function = sky.scf.functions["darkroom-test-card"]
        assert function.versions[function.aliases["live"]] == function.config
        assert sky.deploy("test_card") == []

    def test_whose_creation_was_not_answered_goes_on(self, sky):
        sky.scf.will(cut_before_answer(), at="CreateFunction")
        with pytest.raises(Cut):
            sky.deploy("test_card")
        assert sky.deploy("test_card") == ["retries", "reserve", "publish", "alias"]

    def test_that_the_cloud_cannot_create_says_why_and_is_taken_again(self, sky):
        sky.scf.will(fail(), at="CreateFunction")
        with pytest.raises(CannotDeploy, match="CreateFailed: ImagePull the image cannot be pulled"):
            sky.deploy("test_card")
        assert sky.deploy("test_card")[:2] == ["remove", "create"]

    def test_that_fails_leaves_the_version_before_serving(self, sky):
        sky.deploy("test_card")
        sky.scf.will(fail(), at="UpdateFunctionConfiguration")
        other = replace(cloud.PLACE, role="another-role")
        with pytest.raises(CannotDeploy, match="UpdateFailed"):
            sky.deploy("test_card", place=other)
        function = sky.scf.functions["darkroom-test-card"]
        assert function.versions[function.aliases["live"]].role == "darkroom-function"
        sky.deploy("test_card", place=other)
        assert function.versions[function.aliases["live"]].role == "another-role"


class TestGoingBack:
    @pytest.fixture
    def twice(self, sky):
        """A function with two versions."""
        sky.deploy("test_card")
        sky.deploy("test_card", place=replace(cloud.PLACE, role="another-role"))
        return sky

    def test_lets_the_alias_lead_to_the_version_before(self, twice):
        assert deploy.rollback(twice.control, "darkroom-test-card") == 1
        assert twice.scf.functions["darkroom-test-card"].aliases == {"live": "1"}

    def test_may_name_a_version(self, twice):
        deploy.rollback(twice.control, "darkroom-test-card")
        assert deploy.rollback(twice.control, "darkroom-test-card", to=2) == 2

    @pytest.mark.parametrize("to", [None, 9])
    def test_has_nowhere_to_go(self, sky, to):
        sky.deploy("test_card")
        with pytest.raises(CannotDeploy, match="there are 1, and 1 is live"):
            deploy.rollback(sky.control, "darkroom-test-card", to=to)

    def test_of_what_was_never_deployed(self, sky):
        with pytest.raises(CannotDeploy, match="never deployed"):
            deploy.rollback(sky.control, "darkroom-test-card")


class TestWhatTheSdkMakesOfAFailureIsToldApart:
    def test_nobody_listens(self, sky):
        account = replace(sky.account, endpoint=f"http://127.0.0.1:{free_port()}")
        with pytest.raises(Unreachable):
            Control(account).call("ListFunctions")

    @pytest.mark.parametrize(
        ("order", "error"),
        [
            (cut_before_answer(), Cut),
            (answer(502), Unreadable),
            (garbage(), Unreadable),
            (cut_mid_json(), (Unreadable, Cut)),
            (answer(429), CloudError),
            (answer(500), CloudError),
        ],
    )
    def test_an_answer_did_not_come_or_was_a_refusal(self, sky, order, error):
        sky.scf.will(order, at="ListFunctions")
        with pytest.raises(error):
            sky.control.call("ListFunctions")
        assert sky.scf.requests == {"ListFunctions": 1}

    def test_no_answer_in_time(self, sky):
        sky.scf.will(hang(), at="ListFunctions")
        with pytest.raises(Cut):
            Control(sky.account, timeouts=(1, 0.3)).call("ListFunctions")

    def test_a_refusal_under_another_content_type_is_no_success(self, sky):
        sky.scf.charset = "utf-8"
        sky.scf.will(answer(403), at="ListFunctions")
        with pytest.raises(CloudError, match=r"UnauthorizedOperation\.CAM"):
            sky.control.call("ListFunctions")

    def test_a_refusal_without_the_clouds_id_is_none_of_the_clouds(self, sky):
        sky.scf.tells_id = False
        sky.scf.will(answer(403), at="ListFunctions")
        with pytest.raises(Unreadable):
            sky.control.call("ListFunctions")

    def test_its_error_does_not_carry_the_signed_request_along(self, sky):
        sky.scf.will(answer(403), at="ListFunctions")
        with pytest.raises(CloudError) as raised:
            sky.control.call("ListFunctions")
        assert raised.value.__context__ is None
