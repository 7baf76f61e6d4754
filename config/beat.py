"""Beat's scheduler: django-celery-beat's, which reports at its ticks that it lives. A thread beside it would go on where it hangs."""

import time

from django_celery_beat.schedulers import DatabaseScheduler

from tasks_app import processes
from tasks_app.engine.clock import database_clock


class Scheduler(DatabaseScheduler):
    """It ticks at least every `beat_max_loop_interval`."""

    _reporter = processes.Reporter(processes.Process.Kind.BEAT)
    _reported_at = float("-inf")

    def tick(self, *args, **kwargs):
        if time.monotonic() - self._reported_at >= processes.EVERY.total_seconds():
            processes.guarded(self._reporter.report, database_clock)
            self._reported_at = time.monotonic()
        return super().tick(*args, **kwargs)

    def close(self):
        super().close()
        processes.guarded(self._reporter.end, database_clock)
