"""Who asks, and what they may spend."""

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from .scopes import validate_networks


def per_minute(help_text):
    """A limit of requests a minute; NULL: none."""
    return models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)], help_text=help_text)


class Account(models.Model):
    """A customer: `balance` is what it owns, `held` what its open tasks have set aside. Only credits.py writes these."""

    name = models.CharField(max_length=100, unique=True)
    is_enabled = models.BooleanField(default=True)
    balance = models.BigIntegerField(default=0, editable=False)
    held = models.BigIntegerField(default=0, editable=False)
    active = models.PositiveIntegerField(default=0, editable=False, help_text="Tasks that count against max_active.")
    max_active = models.PositiveIntegerField(default=100, help_text="Tasks at work at once; further ones wait.")
    # For each of its keys that has no limit of its own (limits.py).
    reads_per_minute = per_minute("Reads a minute of each key; empty: any number.")
    writes_per_minute = per_minute("Writes a minute of each key; empty: any number.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(balance__gte=models.F("held"), held__gte=0), name="account_never_overdrawn")
        ]
        permissions = [("grant_account", "Can grant credits to an account, and adjust its balance")]

    def __str__(self):
        return self.name


class ApiKey(models.Model):
    """A key's hash, and what may not be done with it; the key itself is shown once and kept nowhere."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, help_text="The key's first characters, to tell keys apart.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)
    # What it may not do (scopes.py): only keys.make and keys.restrict write these, for processes remember them.
    read_only = models.BooleanField(default=False, help_text="It may look at everything and start, change or delete nothing.")
    only_models = models.CharField(max_length=1000, blank=True, help_text="Models it may use, separated by commas; empty: all.")
    only_networks = models.CharField(
        max_length=1000,
        blank=True,
        help_text="Networks it may be used from, as 203.0.113.0/24, separated by commas; empty: any.",
    )
    credits_limit = models.PositiveBigIntegerField(null=True, blank=True, help_text="Credits its tasks may cost in all; empty: any.")
    # Spent by its tasks, and set aside for those that are open; counted while it has a limit.
    credits_used = models.BigIntegerField(default=0, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="From then on it is refused; empty: never.")
    reads_per_minute = per_minute("GET and HEAD requests a minute; empty: as the account says.")
    writes_per_minute = per_minute("Other requests a minute; empty: as the account says.")

    class Meta:
        verbose_name = "API key"

    def __str__(self):
        return f"{self.prefix}…"

    def clean(self):
        validate_networks(self.only_networks)


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
    model = models.CharField(max_length=64, blank=True, help_text="The task's; kept here, since the task itself goes one day.")
    note = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=150, blank=True, help_text="The operator, where one did it.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [models.UniqueConstraint(fields=["reference", "kind"], name="ledger_once_per_task")]
        indexes = [models.Index(fields=["account", "created_at"], name="ledger_statement")]

    def __str__(self):
        return f"{self.kind} {self.amount:+,}"
