"""The nights in which the clock changes: a duty that an operator gave a time of day in a zone that does so, and those of ours."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
DAILY = """
from django_celery_beat.models import CrontabSchedule, PeriodicTask
at, _ = CrontabSchedule.objects.get_or_create(minute="30", hour="2", timezone="Europe/Berlin")
PeriodicTask.objects.create(name="daily", task="tasks_app.workers.clean_up", crontab=at)
"""
# At 01:00 UTC the clock goes from 02:00 to 03:00: there is no 02:30.
SPRING = [
    "2027-03-27T01:31Z",
    "2027-03-28T00:31Z",
    "2027-03-28T01:02Z",
    "2027-03-28T01:33Z",
    "2027-03-28T02:35Z",
    "2027-03-28T23:59Z",
    "2027-03-29T00:29Z",
    "2027-03-29T00:31Z",
    "2027-03-29T01:31Z",
]
# At 01:00 UTC it goes from 03:00 to 02:00: 02:30 comes at 00:30 UTC, and again at 01:30.
AUTUMN = [
    "2027-10-30T00:31Z",
    "2027-10-31T00:29Z",
    "2027-10-31T00:31Z",
    "2027-10-31T01:02Z",
    "2027-10-31T01:33Z",
    "2027-10-31T02:35Z",
    "2027-10-31T23:59Z",
    "2027-11-01T01:29Z",
    "2027-11-01T01:31Z",
]


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    """By instant, how often each duty was sent until then, in a database of its own."""
    if not LIBRARIES:
        pytest.skip("faketime is not installed")
    folder = tmp_path_factory.mktemp("summer-time")
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{folder}/schedule.sqlite3",
        "REDIS_URL": "",
        "BROKER_DIR": str(folder / "broker"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }

    def run(*words: str, **variables: str) -> str:
        done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("manage.py", "migrate", "--verbosity=0")
    run("manage.py", "install_schedule")
    run("manage.py", "shell", "-c", DAILY)
    (clock := folder / "clock").write_text("+0")
    faked = {"LD_PRELOAD": str(LIBRARIES[0]), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1"}
    instants = [*SPRING, *AUTUMN]
    lines = run("-m", "tests.config.scheduler_at", *instants, **faked).splitlines()
    return dict(zip(instants, map(json.loads, lines), strict=True))


def sent(counts, duty: str, instants: list[str]) -> list[int]:
    """How often between one instant and the next."""
    return [counts[after][duty] - counts[before][duty] for before, after in pairwise(instants)]


class TestADutyAtHalfPastTwo:
    def test_is_done_once_where_that_time_is_left_out(self, counts):
        assert sent(counts, "daily", SPRING) == [0, 0, 1, 0, 0, 0, 1, 0]

    def test_is_done_once_where_that_time_comes_twice(self, counts):
        assert sent(counts, "daily", AUTUMN) == [0, 1, 0, 0, 0, 0, 0, 1]


class TestAnHourlyDutyOfOurs:
    @pytest.mark.parametrize("instants", [SPRING, AUTUMN], ids=["spring", "autumn"])
    def test_is_done_whenever_an_hour_has_passed(self, counts, instants):
        last, expected = datetime.fromisoformat(instants[0]), []
        for instant in map(datetime.fromisoformat, instants[1:]):
            expected.append(int(instant - last >= timedelta(hours=1)))
            last = instant if expected[-1] else last
        assert sent(counts, "clean up", instants) == expected
