"""The file: something a client uploaded, to be used as an input."""

from django.db import models

from ..ids import Uuid7Field, shown


class File(models.Model):
    id = Uuid7Field(primary_key=True)
    account_id = models.BigIntegerField()
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account_id", "id"], name="file_listed"), models.Index(fields=["created_at"], name="file_age")]

    def __str__(self):
        return shown("file", self.id)
