"""What the tests of the API share: a client that speaks JSON with a key, models without an upstream, tasks and outputs as rows."""

import itertools
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from accounts.models import Account
from providers.models import Provider, PublicModel, Route
from tasks_app import ids, render
from tasks_app.models import Output, Task
from tasks_app.storage import storage
from tests.cast import SCHEMA, Member, forget_rows

IMAGE, VIDEO = "darkroom/plasma-image", "darkroom/plasma-video"
ORDER = {"model": IMAGE, "input": {"prompt": "a red fox"}}
serial = itertools.count()


class Api:
    """A client of the API with a key, or without one."""

    base = "/api/v1"

    def __init__(self, key: str = ""):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = Client(headers=headers)

    def get(self, path: str, **headers: str):
        return self._client.get(f"{self.base}{path}", headers=named(headers))

    def head(self, path: str, **headers: str):
        return self._client.head(f"{self.base}{path}", headers=named(headers))

    def delete(self, path: str):
        return self._client.delete(f"{self.base}{path}")

    def post(self, path: str, body: Any = None, *, content_type: str = "application/json", **headers: str):
        data = b"" if body is None else body if isinstance(body, bytes | str) else orjson.dumps(body)
        return self._client.post(f"{self.base}{path}", data, content_type=content_type, headers=named(headers))

    def uploads(self, **fields: Any):
        return self._client.post(f"{self.base}/files", fields)

    def sends(self, method: str, path: str, **extra: Any):
        return self._client.generic(method, f"{self.base}{path}", **extra)


def named(headers: dict[str, str]) -> dict[str, str]:
    """Idempotency_Key="1" → Idempotency-Key: 1."""
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture
def models(db) -> Provider:
    """An image model at 3 credits each and a video model at 2 a second, served by a provider that nothing calls."""
    provider = Provider.objects.create(name="plasma", adapter="plasma_adapter", base_url="http://127.0.0.1:9")
    for name, kind, price, outputs in ((IMAGE, "image.generate", "3 * n", "n"), (VIDEO, "video.generate", "2 * duration", "1")):
        model = PublicModel.objects.create(name=name, kind=kind, title=name, input_schema=SCHEMA, price=price, outputs=outputs)
        Route.objects.create(model=model, provider=provider, upstream_model=name)
    forget_rows()
    return provider


@pytest.fixture
def api(acme, models) -> Api:
    """acme's client."""
    return Api(acme.key)


@pytest.fixture
def neighbour(bolt) -> Api:
    """bolt's client, who must see nothing of acme's."""
    return Api(bolt.key)


def task_of(member: Member, *, created_at: datetime | None = None, status: str = "queued", **columns: Any) -> Task:
    """A row as the engine would have left it, its id made when it was."""
    now = created_at or datetime.now(UTC)
    defaults = {
        "id": id_at(now),
        "kind": "image.generate",
        "model": IMAGE,
        "lane": IMAGE,
        "input": {"prompt": "a red fox"},
        "request_hash": b"",
        "deadline_at": now + timedelta(hours=1),
        "due_at": now if status == "queued" else None,
        "created_at": now,
        "updated_at": now,
    }
    return Task.objects.create(account_id=member.id, status=status, **(defaults | columns))


def output_of(task: Task, content: bytes = b"...", *, content_type: str = "image/png", thumbnail: bytes = b"", **columns: Any) -> Output:
    """An output with its bytes in the storage."""
    key = f"outputs/{ids.shown('task', task.id)}/{columns.get('position', 0)}"
    output = Output(
        task_id=task.id,
        account_id=task.account_id,
        content_type=content_type,
        bytes=len(content),
        sha256=sha256(content).hexdigest(),
        key=keep(key, content),
        thumbnail_key=keep(f"{key}-thumbnail", thumbnail) if thumbnail else "",
        created_at=task.created_at,
        **({"position": 0, "type": content_type.split("/")[0]} | columns),
    )
    output.save(force_insert=True)
    shown = render.outputs(Output.objects.filter(task_id=task.id).order_by("position"))
    Task.objects.filter(id=task.id).update(outputs_shown=shown)
    return output


def keep(key: str, content: bytes) -> str:
    async def chunks():
        yield content

    return async_to_sync(storage.put)(key, chunks(), content_type="", limit=len(content)).key


def id_at(moment: datetime) -> UUID:
    """A UUIDv7 of this moment; later calls sort later."""
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | next(serial))


def shown(task: Task) -> str:
    return ids.shown("task", task.id)


def fields(response) -> list[str]:
    """The fields that a problem names, in order."""
    return [error["field"] for error in response.json()["errors"]]


def refusal(response) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == response.status_code
    return response.status_code, problem["code"]


def books(member: Member) -> tuple[int, int]:
    return Account.objects.values_list("balance", "held").get(id=member.id)
