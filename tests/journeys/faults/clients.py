"""What clients do at the same moment as everything else."""

import http.client
import json
from contextlib import suppress

from .stage import Stage
from .trouble import Scene, trouble

FLOOD, BATCH, LIVES_S = 5000, 1000, 30


@trouble(tasks=120, over_s=10.0, may_fail=frozenset({"canceled"}))
def clients_cancel_at_any_moment(scene: Scene) -> None:
    """While a task waits, is sent, runs, is stored, ends: it ends once, and its credits are settled once."""
    accounts = {post.key: post.account for post in scene.load.posts}
    while scene.load.goes_on:
        scene.moment(0.02, 0.15)
        if scene.load.ids:
            key, id = scene.dice.choice(list(scene.load.ids.items()))
            ask(scene.stage, accounts[key], f"/api/v1/tasks/{id}/cancel", {})


@trouble(accounts=("acme",), as_in="nothing happens")
def an_account_floods_the_queue(scene: Scene) -> None:
    """Five thousand tasks of one account wait for its own ten places: others' take their usual time, and the rest expires."""
    order = {"model": "fire/plasma", "input": {"prompt": "flood"}, "expires_in": LIVES_S}
    for _ in range(FLOOD // BATCH):
        ask(scene.stage, "bolt", "/api/v1/tasks/batch", {"tasks": [order] * BATCH})
    scene.load.join()


def ask(stage: Stage, account: str, path: str, body: dict) -> None:
    """Whatever the answer is; a client that asks too late is told so."""
    connection = http.client.HTTPConnection("127.0.0.1", stage.web_port, timeout=20)
    headers = {"Authorization": f"Bearer {stage.keys[account]}", "Content-Type": "application/json"}
    with suppress(OSError, http.client.HTTPException):
        connection.request("POST", path, json.dumps(body), headers)
        connection.getresponse().read()
    connection.close()
