"""The whole map of /api/v1/, walked by bolt with acme's ids: nothing of acme's is there.

An address that is new on the map fails `test_the_walk_knows_every_address` until it is said here what it shows and to whom.
"""

import re
from io import BytesIO

import pytest
from django.urls import get_resolver

from accounts import credits
from accounts.models import Account, ApiKey
from providers.models import PublicModel
from tasks_app import ids
from tasks_app.api.keys import shown_id
from tasks_app.models import Delivery, File, Output, Task, WebhookEndpoint
from tasks_app.webhooks import endpoints, outbox
from tests.cast import forget_rows
from tests.tasks_app.api.conftest import IMAGE, keep, output_of, refusal, shown, task_of

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "DELETE", "PUT", "PATCH")

# One object each: whose id stands in the address.
OBJECTS = {
    "tasks/<str:id>": "task",
    "tasks/<str:id>/events": "task",
    "tasks/<str:id>/cancel": "task",
    "tasks/<str:id>/retry": "task",
    "outputs/<str:id>/content": "output",
    "outputs/<str:id>/thumbnail": "output",
    "files/<str:id>": "file",
    "files/<str:id>/content": "file",
    "files/<str:id>/complete": "file",
    "keys/<str:id>": "key",
    "webhook-endpoints/<str:id>": "endpoint",
    "webhook-endpoints/<str:id>/rotate-secret": "endpoint",
    "webhook-endpoints/<str:id>/test": "endpoint",
    "webhook-deliveries/<str:id>": "delivery",
    "webhook-deliveries/<str:id>/replay": "delivery",
}
# What each account sees of its own.
OWN = ("tasks", "account", "keys", "account/statement", "usage", "webhook-endpoints", "webhook-deliveries")
# What takes something in and shows it to nobody else, and what is the same for all.
MAKING = ("tasks/quote", "tasks/batch", "files", "account/webhook-secret", "account/webhook-secret/rotate")
# What the stream tier alone shows: tests/deploy/test_streaming.py.
STREAMED = ("account/events",)
PUBLIC = ("models", "models/<path:name>")
# What only a link of ours opens, whoever has it: test_direct_uploads.py.
LINKED = ("uploads/<str:id>",)
NOWHERE = ""


@pytest.fixture
def acmes(acme, models) -> dict[str, str]:
    """One of each thing that belongs to acme: kind → id."""
    task = task_of(acme, status="succeeded", end_user="acmes-user", metadata={"acmes": "note"}, captured=3)
    output = output_of(task, thumbnail=b"thumbnail")
    file = File.objects.create(
        id=ids.new(),
        account_id=acme.id,
        name="acmes.png",
        content_type="image/png",
        bytes=3,
        sha256="0" * 64,
        key=keep("files/acmes", b"..."),
        created_at=task.created_at,
    )
    endpoint, _ = endpoints.create(acme.id, url="https://hooks.example.com/acmes", now=task.created_at)
    delivery = outbox.test(endpoint, now=task.created_at)
    credits.grant(acme.id, 1, by="olga", note="acmes", now=task.created_at)
    made = {"output": output, "file": file}
    key = shown_id(ApiKey.objects.get(account=acme.id))
    return {"task": shown(task), "key": key, "endpoint": ids.shown("whe", endpoint.id), "delivery": ids.shown("whd", delivery.id)} | {
        kind: ids.shown(kind, one.id) for kind, one in made.items()
    }


def routes() -> list[str]:
    api = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/")
    return [str(one.pattern) for one in api.url_patterns]


def walk(acmes):
    """(method, address) of each call that names an object."""
    return [(method, "/" + route.replace("<str:id>", acmes[kind])) for route, kind in OBJECTS.items() for method in METHODS]


def state() -> list:
    """All that a call might have changed."""
    return [list(table.objects.order_by("id").values()) for table in (Task, Output, File, Account, WebhookEndpoint, Delivery)]


def test_the_walk_knows_every_address():
    assert set(routes()) == {*OBJECTS, *OWN, *MAKING, *STREAMED, *PUBLIC, *LINKED, NOWHERE}


def test_another_accounts_object_is_the_same_404_by_every_method(acmes, neighbour, api):
    before = state()
    for method, address in walk(acmes):
        answer = neighbour.sends(method, address)
        nothing = neighbour.sends(method, re.sub(r"_\w+", f"_{'0' * 26}", address))
        assert answer.status_code == nothing.status_code, (method, address)
        assert answer.status_code in (404, 405), (method, address)
        if answer.status_code == 405:  # then nobody may, not even its owner
            assert api.sends(method, address).status_code == 405
        if answer.content:
            assert {**answer.json(), "request_id": 0} == {**nothing.json(), "request_id": 0}, (method, address)
    assert state() == before


def test_its_owner_finds_it_there(acmes, api):
    for route, kind in OBJECTS.items():
        method = "POST" if route.endswith(("cancel", "retry", "rotate-secret", "test", "replay", "complete")) else "GET"
        assert api.sends(method, "/" + route.replace("<str:id>", acmes[kind])).status_code != 404, route


@pytest.mark.parametrize("route", OWN)
def test_a_list_holds_nothing_of_another_account(acmes, neighbour, api, route):
    question = "?by=end_user" if route == "usage" else ""
    traces = [*acmes.values(), "acmes", '"name":"acme"']
    assert any(trace in api.get(f"/{route}{question}").getvalue().decode() for trace in traces)
    text = neighbour.get(f"/{route}{question}").getvalue().decode()
    assert not [trace for trace in traces if trace in text]


def test_no_filter_reaches_another_accounts_tasks(acmes, neighbour, bolt):
    task_of(bolt)
    for question in (f"cursor={acmes['task']}", "end_user=acmes-user", "metadata[acmes]=note", "status=succeeded"):
        assert acmes["task"] not in neighbour.get(f"/tasks?{question}").content.decode()


@pytest.mark.parametrize("kind", ["file", "task"])
def test_another_accounts_object_is_no_input(acmes, neighbour, models, kind):
    """The same words as for one that is not there."""
    model = PublicModel.objects.get(name=IMAGE)
    media = {"type": "string", "format": "media"}
    model.input_schema = model.input_schema | {"properties": model.input_schema["properties"] | {"image": media}}
    model.save()
    forget_rows()

    def said(id: str) -> str:
        reference = id if kind == "file" else f"{id}/0"
        answer = neighbour.post("/tasks/quote", {"model": model.name, "input": {"prompt": "x", "image": reference}})
        assert refusal(answer) == (422, "invalid_input")
        return str(answer.json()["errors"]).replace(id, "…")

    assert said(acmes[kind]) == said(f"{kind}_{'0' * 26}")


def test_nobody_without_a_key_finds_anything(acmes, client):
    for method, address in walk(acmes):
        assert client.generic(method, f"/api/v1{address}").status_code in (401, 405), (method, address)
    for route in (*OWN, *MAKING, *STREAMED):
        assert client.get(f"/api/v1/{route}").status_code == 401
        assert client.post(f"/api/v1/{route}", BytesIO(b""), content_type="application/json").status_code in (401, 405)
