"""What the tests of watching share: tasks as rows, and changes of them as the engine writes them."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from tasks_app.engine import lifecycle
from tasks_app.models import Task
from tests.tasks_app.api.conftest import models, task_of  # noqa: F401 - fixtures and makers


@pytest.fixture
def moves() -> Callable[[Task, str], None]:
    """The task comes to this status, with its event."""

    def move(task: Task, status: str) -> None:
        Task.objects.filter(id=task.id).update(status=status)
        lifecycle.record([task.id], status, now=timezone.now())

    return move
