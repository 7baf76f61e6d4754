"""The event log: one row for each change of a task's state."""

from django.db import models

from ..ids import Uuid7Field


class TaskEvent(models.Model):
    """In the order of `id`; `by` names the operator or client where a person did it."""

    task_id = Uuid7Field(default=None)
    status = models.CharField(max_length=10)
    detail = models.JSONField(default=dict)
    by = models.CharField(max_length=150, default="")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["task_id", "id"], name="event_of_task")]
