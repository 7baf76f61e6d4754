"""The time that leases and deadlines are told by: the database's, so that a worker with a wrong clock steals nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import connection
from django.utils import timezone

Clock = Callable[[], datetime]
ASK_AGAIN_AFTER = 10.0  # seconds; a monotonic clock drifts by far less than a millisecond in that time


class DatabaseClock:
    """Calling it gives the database's UTC time: asked for now and then, carried on by the monotonic clock between."""

    def __init__(self) -> None:
        self.asked_at = float("-inf")
        self.answer = datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> datetime:
        if connection.vendor != "mysql":
            return timezone.now()  # SQLite lies on this very machine
        if monotonic() - self.asked_at > ASK_AGAIN_AFTER:
            self.answer, self.asked_at = self.ask(), monotonic()
        return self.answer + timedelta(seconds=monotonic() - self.asked_at)

    @staticmethod
    def ask() -> datetime:
        with connection.cursor() as cursor:
            cursor.execute("SELECT UTC_TIMESTAMP(6)")
            return cursor.fetchone()[0].replace(tzinfo=UTC)


database_clock: Clock = DatabaseClock()
