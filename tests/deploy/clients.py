"""Clients at work: they read and post tasks over kept-alive connections, and write down what each was answered."""

import json
import threading
from collections import Counter
from http.client import HTTPException

READERS, WRITERS = 10, 2
PAUSE_S, TASK_EVERY_S = 0.05, 0.3
CARD = json.dumps({"model": "darkroom/test-card-image", "input": {"prompt": "a night shift", "size": "128x128"}})


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
