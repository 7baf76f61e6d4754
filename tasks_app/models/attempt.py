"""The attempt: one try to submit a task to one provider. Appended before the call, completed after it, without the fence."""

from django.db import models

from providers.models import Provider, Route

from ..ids import Uuid7Field


class Attempt(models.Model):
    task_id = Uuid7Field(default=None)
    token = models.CharField(max_length=64, unique=True)
    provider = models.ForeignKey(Provider, models.DO_NOTHING, db_constraint=False, db_index=False)
    route = models.ForeignKey(Route, models.DO_NOTHING, db_constraint=False, db_index=False)
    credential_version = models.PositiveIntegerField(default=0)
    intended_at = models.DateTimeField()
    landed_at = models.DateTimeField(null=True)
    handle = models.JSONField(null=True)
    outcome = models.CharField(max_length=40, default="")  # accepted, finished, or an error's code; empty: no answer yet
    message = models.CharField(max_length=500, default="")
    request = models.TextField(default="")  # its last submit, as far as it may be shown (exchange.Record)
    answer = models.TextField(default="")
    ending = models.TextField(default="")  # what the upstream said of the job when its task failed or expired by that
    upstream_cost = models.FloatField(null=True)
    called_at = models.DateTimeField(null=True)  # the last callback that carried the token: the upstream has a job for it
    hint = models.JSONField(null=True)  # the handle that a callback named; not to be trusted
    # What becomes of its job without a task (late.py): "open" while that is not known, then finished, stopped, or an error's code.
    # "interrupted": its upstream cut it off, and its task was given another.
    late_outcome = models.CharField(max_length=40, default="")  # empty: it has no job, or a task that follows it
    late_at = models.DateTimeField(null=True)
    late_found = models.JSONField(null=True)  # what it made: URLs, and until when they live
    ask_at = models.DateTimeField(null=True)  # when to ask next
    is_orphan = models.BooleanField(default=False)  # accepted after the task had moved on

    class Meta:
        indexes = [
            models.Index(fields=["task_id"], name="attempt_of_task"),
            models.Index(fields=["provider", "intended_at"], name="attempt_around"),  # attempts.handles_around
            models.Index(fields=["ask_at"], name="attempt_late"),  # late.run_once
        ]

    def __str__(self):
        return self.token
