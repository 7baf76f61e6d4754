"""The task: one row is the queue entry, the state and the record."""

from django.db import models

from accounts.models import Account
from providers.models import Provider, Route

from ..ids import ExactCharField, Uuid7Field, shown


class Task(models.Model):
    """What a client asked for. Only engine/lifecycle.py writes `status`; a row is born queued."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        SUBMITTING = "submitting"
        RUNNING = "running"
        STORING = "storing"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELED = "canceled"
        EXPIRED = "expired"

    id = Uuid7Field(primary_key=True)
    # No database keys to account, provider and route: their checks would lock rows that the hold and the slots contend for.
    account = models.ForeignKey(Account, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="tasks")
    kind = models.CharField(max_length=16)
    model = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    # Where the row waits: its model, `model:low` for low priority, `|model:…` while it stands aside (engine/aside.py), `~account` while
    # parked at the account's cap; else empty.
    lane = ExactCharField(max_length=160, default="")
    priority = models.CharField(max_length=6, default="normal")
    progress = models.FloatField(default=0)
    input = models.JSONField()
    metadata = models.JSONField(default=dict)
    end_user = ExactCharField(max_length=128, default="")
    retry_of = Uuid7Field(null=True, default=None)
    webhook_url = models.CharField(max_length=2048, null=True)
    webhook_events = models.JSONField(null=True)  # those to be told of there; none: the endings
    idempotency_key = ExactCharField(max_length=255, null=True)
    request_hash = models.BinaryField(max_length=32)

    cost_items = models.JSONField(default=list)
    used = models.JSONField(default=dict)  # the upstream's usage, as it told it, by which it may be priced; USAGE is a word of SQL
    hold = models.BigIntegerField(default=0)
    captured = models.BigIntegerField(null=True)
    budget_key = models.PositiveBigIntegerField(null=True, default=None)  # the API key against whose budget of credits it counts
    expected_outputs = models.PositiveSmallIntegerField(default=1)

    due_at = models.DateTimeField(null=True)
    lease_token = models.BigIntegerField(default=0)
    lost_claims = models.PositiveSmallIntegerField(default=0)
    deadline_at = models.DateTimeField()

    attempts = models.PositiveSmallIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)  # failures of this step in a row, for back-off
    provider = models.ForeignKey(Provider, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    route = models.ForeignKey(Route, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    credential_version = models.PositiveIntegerField(null=True)
    handle = models.JSONField(null=True)
    avoid = models.PositiveBigIntegerField(null=True)  # the provider that just did not take it
    unseen_since = models.DateTimeField(null=True)  # first of a run of 404s
    called = models.BooleanField(default=False)  # a callback came while a worker had the row
    found = models.JSONField(null=True)
    warnings = models.JSONField(default=list)
    # Its outputs as the API shows them, written where they are: a task that is read again and again needs no other table.
    outputs_shown = models.TextField(default="")

    error_code = models.CharField(max_length=40, default="")
    error_message = models.CharField(max_length=500, default="")
    error_field = models.CharField(max_length=100, default="")
    retryable = models.BooleanField(default=False)
    flagged = models.BooleanField(default=False)  # an operator should look
    cancel_requested_at = models.DateTimeField(null=True)

    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "idempotency_key"], name="task_once_per_key")]
        indexes = [
            models.Index(fields=["status", "lane", "due_at"], name="task_claim"),  # claims.take and slots.take, all day long
            models.Index(fields=["status", "deadline_at"], name="task_deadline"),  # expiry.run_once
            models.Index(fields=["provider", "status", "route"], name="task_slots"),  # slots.used
            models.Index(fields=["account", "id"], name="task_listed"),  # GET /tasks
            models.Index(fields=["flagged"], name="task_flagged"),  # the admin's list of them: a scan of a million rows takes 6 s
        ]
        permissions = [
            ("cancel_task", "Can cancel a task"),
            ("retry_task", "Can retry a task, for which its account pays again"),
            ("refund_task", "Can refund a task"),
        ]

    def __str__(self):
        return shown("task", self.id)
