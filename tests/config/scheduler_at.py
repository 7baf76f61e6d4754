"""Beat's scheduler at one instant after another: `python -m tests.config.scheduler_at INSTANT …`, within libfaketime.

Prints, for each, how often each duty has been sent by then. FAKETIME_TIMESTAMP_FILE is what sets the clock. The process never sleeps:
beat itself would, and libfaketime does not wake it when the clock jumps.
"""

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path

import django

TICKS = 30  # more than there are duties; those that have nothing to do cost nothing


def main(instants: list[str]) -> None:
    django.setup()
    from django_celery_beat.models import PeriodicTask
    from django_celery_beat.schedulers import DatabaseScheduler

    from config.celery import app

    for instant in instants:
        set_clock(datetime.fromisoformat(instant))
        scheduler = DatabaseScheduler(app=app)  # a beat that begins then: what it knows stands in the rows
        for _ in range(TICKS):
            scheduler.tick()
        scheduler.sync()
        print(json.dumps(dict(PeriodicTask.objects.values_list("name", "total_run_count"))))


def set_clock(to: datetime) -> None:
    told = Path(os.environ["FAKETIME_TIMESTAMP_FILE"])
    told.write_text("+0")  # so that the true time can be read
    told.write_text(f"{to.timestamp() - time.time():+.0f}")


if __name__ == "__main__":
    main(sys.argv[1:])
