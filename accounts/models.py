"""Who asks, and what they may spend."""

from django.db import models
from django.utils import timezone


class Account(models.Model):
    """A customer: `balance` is what it owns, `held` what its open tasks have set aside. Only credits.py writes these."""

    name = models.CharField(max_length=100, unique=True)
    is_enabled = models.BooleanField(default=True)
    balance = models.BigIntegerField(default=0, editable=False)
    held = models.BigIntegerField(default=0, editable=False)
    active = models.PositiveIntegerField(default=0, editable=False, help_text="Tasks that count against max_active.")
    max_active = models.PositiveIntegerField(default=100, help_text="Tasks at work at once; further ones wait.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(balance__gte=models.F("held"), held__gte=0), name="account_never_overdrawn")
        ]

    def __str__(self):
        return self.name


class ApiKey(models.Model):
    """A key's hash; the key itself is shown once and kept nowhere."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, help_text="The key's first characters, to tell keys apart.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"

    def __str__(self):
        return f"{self.prefix}…"


class LedgerEntry(models.Model):
    """One change of a balance, never altered: `amount` is signed, `reference` the task's public id or empty."""

    class Kind(models.TextChoices):
        GRANT = "grant"
        CAPTURE = "capture"
        REFUND = "refund"
        ADJUST = "adjust"

    # No database key to the account: its check would lock the hottest row before the hold does, and they would deadlock.
    account = models.ForeignKey(Account, models.DO_NOTHING, db_constraint=False, related_name="ledger")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    amount = models.BigIntegerField()
    reference = models.CharField(max_length=40, null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=150, blank=True, help_text="The operator, where one did it.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [models.UniqueConstraint(fields=["reference", "kind"], name="ledger_once_per_task")]
        indexes = [models.Index(fields=["account", "created_at"], name="ledger_statement")]

    def __str__(self):
        return f"{self.kind} {self.amount:+,}"
