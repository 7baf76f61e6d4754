"""The hour: what came of the tasks that were created in it. And what lay in storage, hour by hour. Both sum up larger tables."""

from django.db import models


class Hour(models.Model):
    """The tasks of an hour that have model, provider, status and error in common, as hours.run_once last counted them."""

    hour = models.DateTimeField()
    model = models.CharField(max_length=64)
    provider_id = models.PositiveBigIntegerField(default=0)  # 0: none had taken them
    status = models.CharField(max_length=10)
    error_code = models.CharField(max_length=40, default="")
    tasks = models.PositiveIntegerField()
    captured = models.BigIntegerField(default=0)
    charged = models.FloatField(default=0)  # by the provider, in its own currency
    charged_tasks = models.PositiveIntegerField(default=0)  # of how many of them that is known
    took = models.JSONField(default=dict)  # of those that succeeded: class of duration (hours.py) → tasks
    summed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hour", "model", "provider_id", "status", "error_code"], name="hour_once")]


class Stored(models.Model):
    """What lay in storage, read off once in an hour; thumbnails and what is on its way are not counted."""

    hour = models.DateTimeField(primary_key=True)
    outputs = models.PositiveBigIntegerField()
    output_bytes = models.PositiveBigIntegerField()
    files = models.PositiveBigIntegerField()
    file_bytes = models.PositiveBigIntegerField()
