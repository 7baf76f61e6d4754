"""The flag: why an operator should look at a task. It outlives its task, because it tells of money."""

from django.db import models

from accounts.models import Account
from providers.models import Provider

from ..ids import Uuid7Field


class Flag(models.Model):
    """One unknown outcome or loss. Open until an operator's action ends it; while its upstream is asked, a queue entry as well."""

    class Ending(models.TextChoices):
        LINKED = "linked"  # its live task follows the upstream job that the operator named
        RECOVERED = "recovered"  # the upstream's result was fetched, and is kept here for the operator
        LOST = "lost"  # the operator says that nothing will come of it
        REFUNDED = "refunded"
        WITHDRAWN = "withdrawn"  # by the engine itself: the task follows the job after all

    task_id = Uuid7Field(default=None)
    token = models.CharField(max_length=64, default="")  # of the attempt that it is about
    reason = models.CharField(max_length=40)  # a word of engine/reasons.py
    account = models.ForeignKey(Account, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="flags")
    model = models.CharField(max_length=64)
    provider = models.ForeignKey(Provider, models.DO_NOTHING, db_constraint=False, db_index=False, null=True)
    raised_at = models.DateTimeField()

    handle = models.JSONField(null=True)  # the upstream job's, where it is known
    finding = models.CharField(max_length=500, default="")  # what the upstream said when it was last asked
    kept = models.JSONField(default=list)  # results that it gave too late for the task, as they lie in our storage
    charged = models.FloatField(null=True)  # by the upstream, in its own currency; NULL: unknown

    due_at = models.DateTimeField(null=True)  # when the upstream is asked next; NULL: it is not being asked
    lease_token = models.BigIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=150, default="")

    ending = models.CharField(max_length=9, choices=Ending.choices, default="")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=150, default="")
    note = models.CharField(max_length=200, default="")

    class Meta:
        verbose_name = "unknown outcome or loss"
        verbose_name_plural = "unknown outcomes and losses"
        constraints = [models.UniqueConstraint(fields=["task_id", "token", "reason"], name="flag_once")]
        indexes = [
            models.Index(fields=["ending", "reason"], name="flag_open"),  # the admin's list, and flags.open_by_reason
            models.Index(fields=["due_at"], name="flag_due"),  # flag_claims.take
        ]
        permissions = [
            ("ask_flag", "Can ask an upstream again about an unknown outcome or loss"),
            ("link_flag", "Can link an unknown outcome or loss to its upstream job"),
            ("lose_flag", "Can mark an unknown outcome or loss as lost"),
        ]

    def __str__(self):
        return self.token or str(self.task_id)
