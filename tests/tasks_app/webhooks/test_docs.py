"""The samples of docs/webhooks.md verify a real delivery, and refuse a forged one."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from tasks_app.webhooks import sign, verdict

PAGE = Path(__file__).resolve().parents[3] / "docs/webhooks.md"


def sample(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]


@pytest.fixture
def got(acme, listens, ends, road, receiver, clock):
    """A request as it came, and the secret it was signed with."""
    clock.now = timezone.now()  # node has no time machine
    listener = listens(acme)
    ends(acme)
    road.notifies()
    return receiver.got[0], listener.secret


class TestThePythonSample:
    def test_takes_ours_and_no_others(self, got, clock):
        names: dict = {}
        exec(sample("python"), names)  # noqa: S102 - it is our own page
        request, secret = got
        with time_machine.travel(clock(), tick=False):
            assert names["event_of"](request.body, request.headers, secret)["type"] == "task.canceled"
            with pytest.raises(WebhookVerificationError):
                names["event_of"](request.body, request.headers, sign.new_secret())


class TestTheJavaScriptSample:
    @pytest.fixture(autouse=True)
    def node(self):
        if not shutil.which("node"):
            pytest.skip("needs node")

    def run(self, body: bytes, headers, secret: str) -> subprocess.CompletedProcess:
        arguments = ", ".join(json.dumps(one) for one in (body.decode(), dict(headers), secret))
        code = f"{sample('js')}\nconsole.log(eventOf({arguments}).type)"
        return subprocess.run(["node", "-e", code], capture_output=True, text=True, timeout=60, check=False)

    def test_takes_ours_and_no_others(self, got):
        request, secret = got
        assert self.run(request.body, request.headers, secret).stdout == "task.canceled\n"
        for body, headers, key in (
            (request.body + b" ", request.headers, secret),
            (request.body, request.headers, sign.new_secret()),
            (request.body, request.headers | {"webhook-timestamp": "1"}, secret),
        ):
            assert "Error: " in self.run(body, headers, key).stderr


def test_the_page_lists_every_reason():
    table = set(re.findall(r"`([a-z_]+)`", PAGE.read_text(encoding="utf-8").split("## What became of it")[1]))
    assert set(verdict.Reason.__args__) <= table
