"""The nightly restart, and so an upgrade's, with clients at work: each tier goes down and comes back, and nobody notices."""

import json
import re
import threading
from collections import Counter
from http.client import HTTPException

import pytest

from tests.deploy.web import ROOT, wait_until
from tests.deploy.whole import Whole

READERS, WRITERS = 10, 2
PAUSE_S, TASK_EVERY_S = 0.05, 0.3
ENOUGH = 30  # requests of each client before the first tier goes down
CARD = json.dumps({"model": "darkroom/test-card-image", "input": {"prompt": "a night shift", "size": "128x128"}})


class Clients:
    """Kept-alive connections over TLS that read and write until `over`; what each was answered is in `statuses`."""

    def __init__(self, proxy, key):
        self.proxy, self.headers = proxy, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.statuses, self.tasks, self.over, self._lock = Counter(), [], threading.Event(), threading.Lock()
        threads = [threading.Thread(target=self._work, args=(self._read, PAUSE_S)) for _ in range(READERS)]
        self.threads = threads + [threading.Thread(target=self._work, args=(self._write, TASK_EVERY_S)) for _ in range(WRITERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *fault):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def ask(self, connection, method, path, body=None):
        connection.request(method, path, body, self.headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def _work(self, once, pause_s):
        connection = self.proxy.connect()
        while not self.over.wait(pause_s):
            try:
                status = once(connection)
            except (OSError, HTTPException) as fault:
                status, connection = repr(fault), self.proxy.connect()
            with self._lock:
                self.statuses[status] += 1

    def _read(self, connection):
        return self.ask(connection, "GET", "/api/v1/tasks?limit=5")[0]

    def _write(self, connection):
        status, body = self.ask(connection, "POST", "/api/v1/tasks", CARD)
        if status == 201:
            self.tasks.append(json.loads(body)["id"])
        return status


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
