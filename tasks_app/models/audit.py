"""The audit: one look at the whole of the books, and what did not add up."""

from django.db import models


class Audit(models.Model):
    """What audit.run_once looked at and found; the newest one says how things stand."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    accounts = models.PositiveIntegerField(help_text="Accounts whose balance, hold and slots were added up.")
    tasks = models.PositiveIntegerField(help_text="Tasks whose settlement was held against the ledger.")
    is_whole = models.BooleanField(help_text="Every task that is kept, not only those of the last days.")
    faults = models.PositiveIntegerField(help_text="What did not add up.")
    findings = models.JSONField(default=list, help_text="The first of the faults, a sentence each.")

    def __str__(self):
        return f"{self.finished_at:%Y-%m-%d %H:%M}"
