"""Callbacks over the wire: web and worker as deployed, and an upstream that calls. Nobody would ask it before a minute is over."""

import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tasks_app.management.stage import ROOT, Stage
from tests.upstreams import Bell, call_about, call_before_answer, call_twice, cut_before_answer
from tests.upstreams.bell_adapter import FACTS

SOON_S = FACTS.first_poll.total_seconds() / 2
KNOCK = {"knock": "who is there?"}


@pytest.fixture
def bell():
    with Bell(seconds=0.3, knocks=True) as running:
        yield running


@pytest.fixture
def stage(tmp_path, bell):
    stage = Stage(
        tmp_path,
        ADAPTERS="tests.upstreams.bell_adapter",
        EGRESS_ALLOW=f"127.0.0.1:{bell.port}",
        DJANGO_SETTINGS_MODULE="config.settings",
        LOG_LEVEL="DEBUG",
    )
    stage.environment["HOOKS_URL"] = stage.url
    with stage:
        command = [sys.executable, "-m", "tests.journeys.bell", bell.url]
        subprocess.run(command, cwd=ROOT, env=stage.environment, capture_output=True, check=True)
        yield stage


def posts(url: str) -> int:
    try:
        with urlopen(Request(url, b"{}", {"Content-Type": "application/json"}), timeout=10) as answer:
            return answer.status
    except HTTPError as refused:
        return refused.code


def test_a_job_is_done_when_its_upstream_calls_whatever_it_calls_and_whatever_became_of_the_submit(stage, bell):
    client = stage.client(credits=100)

    def submit(prompt: str) -> str:
        before = bell.requests["submit"]
        task = client.submit("bell/image", {"prompt": prompt})
        bell.wait_until(lambda it: it.requests["submit"] > before, timeout=60)
        return task["id"]

    calm = submit("calm")
    client.wait([calm], within_s=SOON_S)

    bell.will(call_twice(), at="call")
    twice = submit("called twice")
    client.wait([twice], within_s=SOON_S)

    bell.will(cut_before_answer())
    lost = submit("the answer is lost")
    bell.will(call_before_answer(), at="call")
    bell.will(cut_before_answer())
    early = submit("the answer is lost, and the call was there before")
    ended = client.wait([lost, early], within_s=SOON_S)

    asked = bell.polls["bell1"]
    bell.will(call_about("bell1"), at="call")
    bell.will(cut_before_answer())
    doubtful = submit("calls name another's job")
    bell.wait_until(lambda it: it.polls["bell1"] > asked, timeout=60)  # whose it is was looked at

    assert [task["status"] for task in ended] == ["succeeded", "succeeded"]
    assert client.task(doubtful)["status"] == "running"
    assert (bell.bought, client.call("GET", "/api/v1/account")["balance"]) == (5, 100 - 4 * 3)
    assert {(called.status, called.answer) for called in bell.called if called.body == KNOCK} == {(200, b'{"knock": "who is there?"}')}
    assert {called.status for called in bell.called if called.body != KNOCK} == {204}

    address = bell.called[0].url
    assert [posts(address), posts(address[:-1] + "2"), posts(f"{address}/")] == [204, 404, 404]
    said = stage.log.read_text()
    secrets = {called.url.split("/")[-2] for called in bell.called}
    assert (len(secrets), [secret for secret in secrets if secret in said]) == (5, [])
    assert "bell called about task_" in said
