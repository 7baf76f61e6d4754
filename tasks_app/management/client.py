"""A client of our own API, as small as can be: what `make demo` and the journeys speak with."""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ENDED = {"succeeded", "failed", "canceled", "expired"}


class Client:
    """Speaks to the API at `url` (no path) with an API key."""

    def __init__(self, url: str, key: str):
        self.url, self._key = url, key

    def submit(self, model: str, input: dict[str, Any], *, idempotency_key: str = "") -> dict[str, Any]:
        """POST /tasks; returns the task."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self.call("POST", "/api/v1/tasks", {"model": model, "input": input}, headers)

    def task(self, id: str) -> dict[str, Any]:
        return self.call("GET", f"/api/v1/tasks/{id}")

    def wait(
        self, ids: Sequence[str], *, tell: Callable[[dict], None] = lambda task: None, every_s: float = 0.2, within_s: float = 120
    ) -> list:
        """The tasks once all have ended; `tell` sees each state on the way. Raises TimeoutError that names those still open."""
        ends_at, tasks = time.monotonic() + within_s, {}
        while open_ids := [id for id in ids if tasks.get(id, {}).get("status") not in ENDED]:
            if time.monotonic() > ends_at:
                raise TimeoutError(f"not done within {within_s:g} s: {', '.join(open_ids)}")
            for id in open_ids:
                tasks[id] = self.task(id)
                tell(tasks[id])
            time.sleep(every_s)
        return [tasks[id] for id in ids]

    def download(self, output: dict[str, Any], to: Path) -> Path:
        """Save an output's content."""
        with self._open("GET", output["url"].removeprefix(self.url), None, {}) as answer, to.open("wb") as file:
            shutil.copyfileobj(answer, file)
        return to

    def call(self, method: str, path: str, body: dict | None = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """One request, JSON both ways; raises urllib.error.HTTPError, whose body is the problem."""
        with self._open(method, path, body, headers or {}) as answer:
            return json.loads(answer.read())

    def _open(self, method: str, path: str, body: dict | None, headers: dict[str, str]):
        data = json.dumps(body).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **headers}
        return urlopen(Request(self.url + path, data, headers, method=method), timeout=30)
