"""Webhooks: whom an account wants told, what signs for the URLs that came with its tasks, and each telling."""

from django.db import models

from accounts.models import Account

from ..ids import Uuid7Field, shown


class WebhookEndpoint(models.Model):
    """A server of the account that is told of the events it names. `sealed` is its keyring (webhooks/keyring.py)."""

    id = Uuid7Field(primary_key=True)
    account = models.ForeignKey(Account, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="webhook_endpoints")
    url = models.CharField(max_length=2048)
    description = models.CharField(max_length=200, default="")
    events = models.JSONField(default=list)
    sealed = models.TextField(editable=False)
    is_enabled = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=400, default="")
    failing_since = models.DateTimeField(null=True)  # the first of a run of failures with no success between them
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "id"], name="endpoint_of_account")]  # outbox.queue, at each end of a task

    def __str__(self):
        return shown("whe", self.id)


class WebhookSecret(models.Model):
    """The account's own keyring: it signs what goes to the `webhook_url` of a task. Made when first needed."""

    account = models.OneToOneField(Account, models.DO_NOTHING, db_constraint=False, primary_key=True, related_name="webhook_secret")
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField()


class Delivery(models.Model):
    """One event for one endpoint, or for the `webhook_url` of its task: the queue entry, and the record of request and answer."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SENDING = "sending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = Uuid7Field(primary_key=True)
    # No database keys to account, endpoint and task: each may go while its deliveries stay.
    account = models.ForeignKey(Account, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="deliveries")
    endpoint_id = Uuid7Field(null=True, default=None)  # none: the task's own webhook_url
    task_id = Uuid7Field(null=True, default=None)  # none: a test
    type = models.CharField(max_length=20)
    sequence = models.PositiveSmallIntegerField()
    # What shares its two open calls: `account@whe_…`, or `account@host:port` for URLs that came with tasks.
    lane = models.CharField(max_length=200)
    url = models.CharField(max_length=2048)  # where it goes; that of an endpoint as it was at the last try
    payload = models.TextField()

    status = models.CharField(max_length=9, choices=Status.choices, default=Status.PENDING)
    due_at = models.DateTimeField(null=True)
    lease_token = models.BigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)  # the one that is open included

    tried_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(null=True)
    answer_status = models.PositiveSmallIntegerField(null=True)
    answer_body = models.TextField(default="")  # its beginning
    reason = models.CharField(max_length=20, default="")  # why the last try failed: a word of verdict.Reason, and a sentence
    message = models.CharField(max_length=300, default="")
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        permissions = [("replay_delivery", "Can replay a delivery")]
        indexes = [
            models.Index(fields=["status", "lane", "due_at"], name="delivery_claim"),  # claims.take, lane by lane
            models.Index(fields=["status", "due_at", "lane"], name="delivery_due"),  # lanes.due, claims.next_due, what a dead worker left
            models.Index(fields=["task_id", "lane", "sequence"], name="delivery_order"),  # is an earlier event of the task still open?
            models.Index(fields=["account", "id"], name="delivery_listed"),  # GET /webhook-deliveries
            models.Index(fields=["endpoint_id", "id"], name="delivery_of_endpoint"),  # the same, of one endpoint
        ]

    def __str__(self):
        return shown("whd", self.id)
