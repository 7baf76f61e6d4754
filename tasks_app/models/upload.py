"""The direct upload: a place that a client was given to put a file into. It is no file, and of no use, until it is completed."""

from django.db import models

from ..ids import Uuid7Field, shown


class Upload(models.Model):
    id = Uuid7Field(primary_key=True)  # that of the file which it becomes
    account_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    bytes = models.BigIntegerField()  # as its client declared: no other number can be put
    key = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="upload_age")]  # cleanup, by the hour

    def __str__(self):
        return shown("file", self.id)
