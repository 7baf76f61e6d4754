"""What the tests of the admin share: olga runs it all, vera may only look, and the addresses of their pages."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tasks_app.models import Attempt, Flag, Task, TaskEvent
from tests.tasks_app.api.conftest import models, output_of, shown, task_of

__all__ = [
    "attempt_of",
    "event_of",
    "flag_of",
    "list_of",
    "models",
    "output_of",
    "page",
    "queries_of",
    "shown",
    "signed_in",
    "task_of",
    "text_of",
]


def signed_in(user: User, **options) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.fixture
def olga(db) -> Client:
    return signed_in(User.objects.create_superuser("olga"))


@pytest.fixture
def vera(db) -> Client:
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return signed_in(user)


@pytest.fixture
def nobody(db) -> Client:
    """A member of the staff without any permission."""
    return signed_in(User.objects.create_user("nora", is_staff=True))


@pytest.fixture(autouse=True)
def storage_of_its_own(settings, tmp_path):
    settings.STORAGE_DIR = tmp_path


def page(row, view: str = "change") -> str:
    """The address of a row's page, or of one of its dialogs or contents."""
    return reverse(f"admin:tasks_app_{row._meta.model_name}_{view}", args=[row.pk if isinstance(row, Flag) else str(row)])


def list_of(model: str = "task") -> str:
    return reverse(f"admin:tasks_app_{model}_changelist")


def text_of(answer) -> str:
    assert answer.status_code == 200, answer
    return answer.content.decode()


def queries_of(client: Client, url: str, **query) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        text_of(client.get(url, query))
    return [query["sql"] for query in queries]


def event_of(task, status: str, *, by: str = "", **detail) -> TaskEvent:
    return TaskEvent.objects.create(task_id=task.id, status=status, detail=detail, by=by, created_at=task.created_at)


def attempt_of(task, provider, *, number: int = 1, **columns) -> Attempt:
    defaults = {"outcome": "accepted", "intended_at": task.created_at, "landed_at": task.created_at}
    token, route = f"{shown(task)}-{number}", provider.routes.first()
    return Attempt.objects.create(task_id=task.id, token=token, provider=provider, route=route, **(defaults | columns))


def flag_of(task, provider, *, reason: str = "submission_outcome_unknown", number: int = 1, **columns) -> Flag:
    """An open flag of this task, as the engine would have raised it for one of its attempts, which nobody answered."""
    if not Attempt.objects.filter(task_id=task.id).exists() and provider.routes.exists():
        attempt_of(task, provider, number=number, outcome="submission_outcome_unknown", credential_version=provider.credential_version)
    Task.objects.filter(id=task.id).update(flagged="ending" not in columns)
    facts = {"account_id": task.account_id, "model": task.model, "provider": provider, "raised_at": task.finished_at or task.created_at}
    return Flag.objects.create(task_id=task.id, token=f"{shown(task)}-{number}", reason=reason, **(facts | columns))
