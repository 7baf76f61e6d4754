"""Clients under fire: they post tasks, and post again with the same key until each is accepted, as our documentation tells clients to."""

import http.client
import json
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

CLIENTS = 6
PATIENCE_S = 20.0  # for one answer
REST_S = 0.3  # before a request whose wire broke is made again
GIVES_UP_S = 180.0
POSTED_TWICE = 0.15  # of the requests that went well: a client may not have seen the answer


@dataclass(frozen=True)
class Post:
    """One task to be: its key is its prompt as well, so that the upstream's books tell for whom it bought."""

    key: str
    model: str
    account: str
    input: Mapping[str, str] = field(default_factory=dict)  # beside the prompt


@dataclass
class Load:
    """What the clients did; `address` is web's, host:port. `ids`: key → the task's id as answered; `wrong`: sentences.

    `answers`: (when, seconds) of each success; `refused`: seconds of each 503.
    """

    address: str
    api_keys: Mapping[str, str]
    posts: Sequence[Post]
    over_s: float
    seed: str
    ids: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    answers: list[tuple[float, float]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    posted_again: int = 0

    def __post_init__(self) -> None:
        self._threads = [threading.Thread(target=self._client, args=(number,), daemon=True) for number in range(CLIENTS)]

    def start(self) -> "Load":
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    @property
    def goes_on(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def answered_after(self, moment: float) -> float | None:
        """Seconds from this monotonic time to the first success of a request made after it."""
        ends = [at for at, took_s in self.answers if at - took_s > moment]
        return min(ends) - moment if ends else None

    def p99_s(self) -> float:
        return _p99([took_s for _, took_s in self.answers])

    def refused_p99_s(self) -> float:
        return _p99(self.refused)

    def _client(self, number: int) -> None:
        dice = random.Random(f"{self.seed} client {number}")
        mine = self.posts[number::CLIENTS]
        for place, post in enumerate(mine):
            time.sleep(max(0.0, self._began + self.over_s * place / len(mine) - time.monotonic()))
            self._insist(post)
            if dice.random() < POSTED_TWICE:
                self._insist(post)

    def _insist(self, post: Post) -> None:
        """Post until there is an answer that is no fault of a server."""
        gives_up_at = time.monotonic() + GIVES_UP_S
        while time.monotonic() < gives_up_at:
            began = time.monotonic()
            try:
                status, body = self._request(post)
            except (OSError, http.client.HTTPException):
                status, body = 0, {}
            if status in (200, 201):
                self.answers.append((time.monotonic(), time.monotonic() - began))
                return self._accepted(post, body["id"])
            if status not in (0, 500, 502, 503, 504):
                return self.wrong.append(f"{post.key} was answered {status}: {body}")
            if status == 503:
                self.refused.append(time.monotonic() - began)
            if status == 500:
                self.wrong.append(f"{post.key} was answered 500: {body.get('detail')}")
            self.posted_again += 1
            time.sleep(REST_S)
        return self.wrong.append(f"{post.key} was not accepted within {GIVES_UP_S:g} s")

    def _accepted(self, post: Post, id: str) -> None:
        if self.ids.setdefault(post.key, id) != id:
            self.wrong.append(f"{post.key} was answered with the task {id} after {self.ids[post.key]}")

    def _request(self, post: Post) -> tuple[int, dict]:
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE_S)
        try:
            headers = {
                "Authorization": f"Bearer {self.api_keys[post.account]}",
                "Content-Type": "application/json",
                "Idempotency-Key": post.key,
            }
            body = {"model": post.model, "input": {"prompt": post.key, **post.input}}
            connection.request("POST", "/api/v1/tasks", json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"{}")
        finally:
            connection.close()


def _p99(taken: Sequence[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.99)] if taken else 0.0
