"""The calls that a load is mixed from, and what they need to know."""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from .plan import Plan

REMEMBERED = 2000  # of the tasks that were seen, the last so many are read


@dataclass(frozen=True, slots=True)
class Request:
    name: str
    method: str
    path: str
    key: str
    body: bytes | None = None


class Caller:
    """Thinks up requests: whose, and of which call by the plan's weights. The dice are the same in every run."""

    def __init__(self, plan: Plan, keys: Sequence[str]):
        self._names, self._weights = list(plan.mix), list(plan.mix.values())
        self._keys = keys
        self._order = orjson.dumps({"model": plan.model, "input": dict(plan.input)})
        self._tasks: deque[tuple[str, str]] = deque(maxlen=REMEMBERED)
        self._listed: set[str] = set()
        self._dice = random.Random(1)

    def next(self) -> Request:
        (name,) = self._dice.choices(self._names, self._weights)
        return self.request(name, self._dice.choice(self._keys))

    def request(self, name: str, key: str) -> Request:
        if name == "get":
            key, id = self._dice.choice(self._tasks)
            return Request(name, "GET", f"/api/v1/tasks/{id}", key)
        method, path, has_body = CALLS[name]
        return Request(name, method, path, key, self._order if has_body else None)

    def learn(self, request: Request, body: bytes) -> None:
        """Remember the tasks that an answer names: they can be read. Of lists the first is enough."""
        if request.name == "accept":
            self._tasks.append((request.key, orjson.loads(body)["id"]))
        elif request.name == "list" and request.key not in self._listed:
            self._listed.add(request.key)
            self._tasks.extend((request.key, task["id"]) for task in orjson.loads(body)["data"])

    @property
    def has_tasks(self) -> bool:
        return bool(self._tasks)


# What each call sends: method, path, whether the plan's model and input go along.
CALLS: dict[str, tuple[str, str, bool]] = {
    "accept": ("POST", "/api/v1/tasks", True),
    "get": ("GET", "/api/v1/tasks/{id}", False),
    "list": ("GET", "/api/v1/tasks?limit=20", False),
    "account": ("GET", "/api/v1/account", False),
    "models": ("GET", "/api/v1/models", False),
    "quote": ("POST", "/api/v1/tasks/quote", True),
}
