"""Clients at work: they read and post tasks over kept-alive connections, and write down what each was answered."""

import json
import threading
from collections import Counter
from contextlib import suppress
from http.client import HTTPException

from tests.deploy.web import wait_until

READERS, WRITERS = 10, 2
PAUSE_S, TASK_EVERY_S = 0.05, 0.3
CARD = json.dumps({"model": "darkroom/test-card-image", "input": {"prompt": "a night shift", "size": "128x128"}})


class Customer:
    """An account's, one question a connection: `server.connect()` says to where, `server.key` by which key."""

    def __init__(self, server, *, host):
        self.server, self.host = server, host

    def asked(self, method, path, body=None, **headers):
        connection = self.server.connect()
        connection.request(method, path, body, {"Host": self.host, "Authorization": f"Bearer {self.server.key}", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def answers(self):
        with suppress(OSError, HTTPException):
            return self.asked("GET", "/readyz")[0] == 200

    def task(self):
        """A card, asked for and done."""
        status, body = self.asked("POST", "/api/v1/tasks", CARD, **{"Content-Type": "application/json"})
        assert status == 201
        wait_until(lambda: self.has_done(json.loads(body)["id"]), "the task was done")
        return json.loads(self.asked("GET", f"/api/v1/tasks/{json.loads(body)['id']}")[1])

    def has_done(self, task):
        return json.loads(self.asked("GET", f"/api/v1/tasks/{task}")[1])["status"] == "succeeded"

    def loses_nothing_while(self, happens):
        """Have it happen while clients read and post: each is answered well, and each task comes to its end."""
        with Clients(self.server, self.server.key, host=self.host) as clients:
            wait_until(lambda: clients.statuses.total() > 10 * READERS, "the clients were at work")
            happens()
        for task in clients.tasks:
            wait_until(lambda task=task: self.has_done(task), f"{task} was done")
        assert set(clients.statuses) == {200, 201}

    def picture(self, task):
        return self.asked("GET", task["outputs"][0]["url"].partition(self.host)[2])


class Clients:
    """Kept-alive connections over TLS that read and write until `over`; what each was answered is in `statuses`."""

    def __init__(self, proxy, key, *, host="localhost"):
        self.proxy, self.headers = proxy, {"Host": host, "Authorization": f"Bearer {key}", "Content-Type": "application/json"}
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
