"""What the tests of webhooks share: a customer's server on a socket, endpoints there, and the official library as the judge."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import pytest
import time_machine
from standardwebhooks import Webhook

from tasks_app import ids
from tasks_app.models import Delivery, Task, WebhookEndpoint
from tasks_app.webhooks import endpoints, events
from tests.cast import START, Member
from tests.upstreams import Receiver
from tests.upstreams.receiver import Got

IMAGE = "darkroom/plasma-image"


@dataclass
class Listener:
    """An endpoint of a member, as its owner knows it."""

    endpoint: WebhookEndpoint
    secret: str
    path: str

    @property
    def deliveries(self):
        return Delivery.objects.filter(endpoint_id=self.endpoint.id).order_by("id")


@pytest.fixture(autouse=True)
def storage_of_its_own(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path


@pytest.fixture
def receiver(db, settings):
    with Receiver() as receiver:
        settings.EGRESS_ALLOW = [*settings.EGRESS_ALLOW, f"127.0.0.1:{receiver.port}"]
        yield receiver


@pytest.fixture
def listens(receiver, clock):
    """listens(acme, "/hooks"): acme has an endpoint there from now on."""

    def make(member: Member, path: str = "/hooks", *, url: str = "", wants=events.ENDINGS) -> Listener:
        endpoint, secret = endpoints.create(member.id, url=url or receiver.url + path, events=wants, now=clock())
        return Listener(endpoint, secret, path)

    return make


@pytest.fixture
def ends(plasma):
    """ends(acme): one of acme's tasks comes to its end, by a cancel."""

    def end(member: Member, **more: Any) -> Task:
        task = member.submits(IMAGE, **more)
        member.cancels(task)
        return task

    return end


def verified(got: Got, secret: str, *, at: datetime) -> dict:
    """The event, after the official library has verified it at that moment; raises its WebhookVerificationError."""
    with time_machine.travel(at, tick=False):
        return Webhook(secret).verify(got.body, dict(got.headers))


def waiting(
    account_id: int, lane: str, count: int, *, due_at: datetime = START, url: str = "https://hooks.example.com/", **columns
) -> None:
    """Deliveries as the outbox would have left them, each of another task."""
    made = (
        Delivery(
            account_id=account_id,
            task_id=ids.new(),
            type="task.succeeded",
            sequence=2,
            lane=lane,
            url=url,
            payload="{}",
            due_at=due_at,
            created_at=START,
            **columns,
        )
        for _ in range(count)
    )
    # A thousand at a time: on a busy machine MariaDB would end a transaction that stands still while ten thousand are made.
    while some := list(islice(made, 1000)):
        Delivery.objects.bulk_create(some)
