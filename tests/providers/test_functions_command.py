"""`manage.py functions`, as an operator runs it."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from config.env import ROOT
from scf_client import pack
from tests.scf_client import cloud
from tests.upstreams import answer, cut_before_answer, fail
from tests.upstreams.cos import ROLE_MAY


@pytest.fixture
def sky(settings):
    with cloud.sky() as sky:
        for name, value in (sky.cos.variables | sky.scf.variables).items():
            setattr(settings, name, value)
        settings.FUNCTIONS = "local"  # functions are deployed before tasks go there
        settings.SCF_NAMESPACE, settings.SCF_ROLE, settings.SCF_INSTANCES = "default", "darkroom-function", 2
        settings.SCF_REGISTRY = "registry.example/darkroom"
        yield sky


def said(*words: str) -> list[str]:
    out = io.StringIO()
    more = ("--every", "0") if words[0] == "deploy" else ()
    call_command("functions", *words, *more, stdout=out)
    return out.getvalue().splitlines()


class TestDeploy:
    def test_says_each_step_as_it_is_taken_and_is_done_once(self, sky):
        assert said("deploy", "image_stitch") == [
            "darkroom-image-stitch: 5 steps",
            f"  1/5 create from {pack.image('image_stitch', 'registry.example/darkroom')}, 2048 MB, 600 s",
            "  2/5 never run an event again by itself",
            "  3/5 reserve 4096 MB, which is 2 instances",
            "  4/5 publish a version",
            "  5/5 let live lead to it",
        ]
        assert said("deploy", "image_stitch") == ["darkroom-image-stitch: is as it shall be"]

    def test_takes_all_where_none_is_named(self, sky):
        said("deploy")
        assert sorted(sky.scf.functions) == [f"darkroom-{name.replace('_', '-')}" for name in pack.names()]

    def test_may_only_tell_its_plan(self, sky):
        lines = said("deploy", "--dry-run")
        assert lines[-1] == "Nothing was changed."
        assert len([line for line in lines if line.endswith("5 steps")]) == 4
        assert sky.scf.functions == {}

    @pytest.mark.parametrize("name", ["SCF_REGION", "SCF_SECRET_KEY", "COS_BUCKET", "SCF_ROLE", "SCF_REGISTRY"])
    def test_says_what_is_not_set(self, sky, settings, name):
        setattr(settings, name, "")
        with pytest.raises(CommandError, match=f"Set {name}"):
            said("deploy")
        assert sky.scf.functions == {}

    @pytest.mark.parametrize(
        ("order", "says"),
        [
            (answer(403), r"UnauthorizedOperation\.CAM"),
            (cut_before_answer(), "The cloud gave no answer"),
            (answer(502), "A gateway answered"),
            (fail(), "the image cannot be pulled"),
        ],
    )
    def test_that_fails_is_one_line(self, sky, order, says):
        sky.scf.will(order, at="CreateFunction")
        with pytest.raises(CommandError, match=says):
            said("deploy", "test_card")


class TestBuild:
    def test_tells_the_commands_by_which_docker_would_build_and_push(self, sky, tmp_path):
        name = pack.image("test_card", "registry.example/darkroom")
        assert said("build", "test_card", "--dry-run", "--into", str(tmp_path)) == [
            f"test_card: {name}",
            f"  docker build --platform linux/amd64 --tag {name} {tmp_path}/test_card",
            f"  docker push {name}",
        ]
        assert list(tmp_path.iterdir()) == []

    def test_gives_docker_what_it_reads_and_stops_where_that_fails(self, sky, tmp_path, monkeypatch):
        docker = tmp_path / "bin/docker"
        docker.parent.mkdir()
        docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ntest -f "$6/Dockerfile"\n')
        docker.chmod(0o755)
        monkeypatch.setenv("PATH", f"{docker.parent}:/usr/bin:/bin")
        with pytest.raises(CommandError, match=r"docker push .* failed"):
            said("build", "test_card", "--into", str(tmp_path / "into"))
        assert [line.split()[0] for line in (tmp_path / "asked").read_text().splitlines()] == ["build", "push"]

    def test_says_where_docker_is_missing(self, sky, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(CommandError, match="docker is not installed"):
            said("build")


class TestList:
    def test_shows_what_is_there_and_what_is_behind(self, sky, settings):
        said("deploy", "test_card", "text_process")
        settings.SCF_ROLE = "another"
        said("deploy", "test_card")
        lines = {line.split()[0]: line for line in said("list")}
        assert "Active          2  2048  1800     4096" in lines["darkroom-test-card"]
        assert "(not what this source says" in lines["darkroom-text-process"]
        assert lines["darkroom-video-compose"].endswith("not deployed")


class TestLogs:
    def test_are_those_of_the_last_runs(self, sky):
        said("deploy", "text_process")
        sky.control.call("InvokeFunction", FunctionName="darkroom-text-process", Qualifier="live", Event="{}")
        lines = said("logs", "text_process")
        assert "code 0" in lines[0]
        assert "ready on port" in "".join(lines)
        assert said("logs", "text_process", "--run", "none") == []


class TestRollback:
    def test_goes_one_version_back(self, sky, settings):
        said("deploy", "test_card")
        settings.SCF_ROLE = "another"
        said("deploy", "test_card")
        assert said("rollback", "test_card")[0].startswith("darkroom-test-card: version 1 is live")
        with pytest.raises(CommandError, match="no such version"):
            said("rollback", "test_card")


class TestRemove:
    def test_asks_first(self, sky):
        said("deploy", "test_card")
        assert said("remove", "test_card")[0].startswith("Would delete darkroom-test-card")
        assert sky.scf.functions
        assert said("remove", "test_card", "--yes") == ["darkroom-test-card: deleted"]
        assert said("remove", "test_card", "--yes") == ["darkroom-test-card: was not there"]

    def test_of_a_function_that_there_is_not(self, sky):
        with pytest.raises(CommandError, match="There is no function poster"):
            said("remove", "poster", "--yes")


def test_no_key_is_shown(sky):
    told = "\n".join([*said("deploy"), *said("list"), *said("deploy", "--dry-run")])
    assert not [secret for secret in (sky.scf.SECRET_KEY, sky.cos.SECRET_KEY, sky.scf.SECRET_ID) if secret in told]


def test_the_role_that_operators_are_told_to_make_may_do_what_the_simulated_bucket_lets_it():
    page = (ROOT / "docs/functions-on-scf.md").read_text(encoding="utf-8")
    policy = json.loads(page[page.index('{"version"') : page.index("]}]}") + len("]}]}")])
    doors = {"name/cos:GetObject": "get", "name/cos:PutObject": "put"}
    told = {
        (doors[action], resource.partition("BUCKET/")[2].removesuffix("*"))
        for statement in policy["statement"]
        for action in statement["action"]
        for resource in statement["resource"]
    }
    assert told == set(ROLE_MAY)
