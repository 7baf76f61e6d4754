"""The process: a running worker, beat or stream tier, as it reports itself every few seconds."""

from django.db import models


class Process(models.Model):
    """One that ends in order says so; one that does not is gone once it was not seen for a while."""

    class Kind(models.TextChoices):
        WORKER = "worker"
        BEAT = "beat"
        STREAM = "stream"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    queues = models.JSONField(default=list)  # what a worker consumes, and so the steps that it ticks
    samples = models.JSONField(default=list)  # what it has counted since its start, as /metrics shows it
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "processes"

    def __str__(self):
        return f"{self.kind}@{self.host}:{self.pid}"
