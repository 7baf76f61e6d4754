"""The output: one result file of a task, kept in our storage."""

from django.db import models

from ..ids import Uuid7Field, shown


class Output(models.Model):
    id = Uuid7Field(primary_key=True)
    task_id = Uuid7Field(default=None)
    account_id = models.BigIntegerField()
    position = models.PositiveSmallIntegerField()
    type = models.CharField(max_length=8)  # image, video, audio, text
    content_type = models.CharField(max_length=100)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    duration = models.FloatField(null=True)  # seconds
    key = models.CharField(max_length=200)
    thumbnail_key = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task_id", "position"], name="output_once")]

    def __str__(self):
        return shown("output", self.id)
