"""Webhooks from real processes, on the embedded default: told at once, and told again when the worker was killed in mid-call."""

import os
import signal

from standardwebhooks import Webhook

from tasks_app.management.stage import Stage
from tests.upstreams import Receiver, hang

from .test_killed_workers import processes

CARD = {"prompt": "a red fox", "size": "256x256"}
LEASE_S = 30


def test_each_task_is_told_of_once_or_again_under_the_same_id_whoever_is_killed(tmp_path):
    with Receiver() as receiver, Stage(tmp_path, EGRESS_ALLOW=f"127.0.0.1:{receiver.port}") as stage:
        client = stage.client(credits=100)
        endpoint = client.call("POST", "/api/v1/webhook-endpoints", {"url": f"{receiver.url}/hooks"})

        calm = client.submit("darkroom/test-card-image", CARD)
        receiver.wait_until(lambda it: len(it.got) == 1, timeout=60)

        receiver.will(hang())
        cut = client.submit("darkroom/test-card-image", CARD)
        receiver.wait_until(lambda it: len(it.got) == 2, timeout=60)
        for pid in processes(stage, b"celery", b"worker"):
            os.kill(pid, signal.SIGKILL)
        receiver.wait_until(lambda it: len(it.got) == 3, timeout=LEASE_S + 60)

        told = [Webhook(endpoint["secret"]).verify(got.body, dict(got.headers)) for got in receiver.got]
        assert [event["data"]["id"] for event in told] == [calm["id"], cut["id"], cut["id"]]
        assert {event["type"] for event in told} == {"task.succeeded"}
        assert receiver.got[1].id == receiver.got[2].id == told[1]["id"]
        assert told[0]["data"] == client.task(calm["id"])
