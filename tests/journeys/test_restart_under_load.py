"""The nightly restart, and so an upgrade's, with clients at work: each tier goes down and comes back, and nobody notices."""

import json
import re

import pytest

from tests.deploy.clients import READERS, Clients
from tests.deploy.web import ROOT, wait_until
from tests.deploy.whole import Whole

ENOUGH = 30  # requests of each client before the first tier goes down


@pytest.fixture
def server(tmp_path):
    with Whole(tmp_path) as whole:
        yield whole


def tiers():
    """In the order of deploy/restart."""
    script = (ROOT / "deploy/restart").read_text(encoding="utf-8")
    return re.findall(r"(darkroom-[\w@-]+)\.service", script)


def test_no_request_fails_and_no_task_is_lost(server):
    with Clients(server.proxy, server.key(credits=10_000)) as clients:
        wait_until(lambda: clients.statuses.total() > ENOUGH * READERS, "the clients were at work")
        for tier in tiers():
            before = clients.statuses.total()
            server.services[tier].restart()
            wait_until(lambda before=before: clients.statuses.total() > before + READERS, "they went on")
    assert set(clients.statuses) == {200, 201}
    asked = server.proxy.connect()

    def status(task):
        return json.loads(clients.ask(asked, "GET", f"/api/v1/tasks/{task}")[1])["status"]

    wait_until(lambda: all(status(task) == "succeeded" for task in clients.tasks), "every task was done")
    assert len(clients.tasks) == clients.statuses[201] > len(tiers())
