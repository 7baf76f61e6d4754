"""What `make up` serves without Redis and MySQL tells of tasks too, at the one public address."""

import json
import re
import textwrap
from urllib.request import Request, urlopen

import pytest

from tasks_app.management.client import Client
from tasks_app.management.stage import ROOT, Stage

CARD = {"model": "darkroom/test-card-image", "input": {"prompt": "a red fox", "size": "256x256"}}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with Stage(tmp_path_factory.mktemp("streams")) as stage:
        yield stage.client(credits=100)


def opened(client: Client, path: str, body: dict | None = None, **headers: str):
    headers = {"Authorization": f"Bearer {client._key}", "Content-Type": "application/json"} | headers
    return urlopen(Request(f"{client.url}/api/v1{path}", json.dumps(body).encode() if body else None, headers), timeout=60)


def test_a_task_is_followed_to_its_end(client):
    task = client.submit(**CARD)
    with opened(client, f"/tasks/{task['id']}/events") as stream:
        events = stream.read().decode().split("\n\n")
    assert events[1].startswith("event: snapshot\n")
    assert '"status":"succeeded"' in events[-2]


def test_a_post_waits_for_the_end(client):
    with opened(client, "/tasks", CARD, Prefer="wait=60") as answer:
        assert (answer.status, answer.headers["Preference-Applied"]) == (201, "wait=60")
        assert json.loads(answer.read())["status"] == "succeeded"


def test_the_python_of_the_guide_follows_a_task(client):
    guide = (ROOT / "docs/live-progress.md").read_text(encoding="utf-8")
    names: dict = {}
    exec(textwrap.dedent(re.search(r"## In Python\n\n(.*?)\n\nA time-out", guide, re.DOTALL)[1]), names)  # noqa: S102 - it is our own guide
    task = client.submit(**CARD)
    heard = list(names["follow"](f"{client.url}/api/v1/tasks/{task['id']}", client._key))
    assert (heard[0][0], heard[-1][1]["status"]) == ("snapshot", "succeeded")
