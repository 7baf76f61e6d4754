"""Clocks, schedules and wake-ups."""

import subprocess
import sys
import time
from pathlib import Path

from .judge import still_open
from .mariadb import cut
from .stage import Beat, Stage, Worker, administrator
from .trouble import NotHere, Scene, trouble

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@trouble(tasks=80, over_s=10.0)
def two_more_beats_run(scene: Scene) -> None:
    """Every duty is idempotent."""
    with Beat(scene.stage.environment), Beat(scene.stage.environment):
        scene.load.join()


# As an hour without it looks to beat; what is done once a day would have been due in that hour.
AN_HOUR_AGO = """
    UPDATE django_celery_beat_periodictask p JOIN django_celery_beat_intervalschedule i ON i.id = p.interval_id
    SET p.last_run_at = UTC_TIMESTAMP(6) - INTERVAL GREATEST(i.every, 3600) + 60 SECOND
"""
SENT = """
    SELECT p.name, p.total_run_count, i.every FROM django_celery_beat_periodictask p
    JOIN django_celery_beat_intervalschedule i ON i.id = p.interval_id
"""


@trouble(tasks=80, over_s=10.0, as_in="nothing happens")
def beat_is_away_for_an_hour(scene: Scene) -> None:
    """Tasks take their usual time without it. Back, it has each duty that is overdue done once, however often it was missed."""
    stage = scene.stage
    stage.beat.stop()  # then its rows are as it left them
    stage.sql(AN_HOUR_AGO)
    scene.load.join()
    scene.wait_for("all tasks are over", lambda: not still_open(stage), within_s=60)
    before, audits = sent(stage), audited(stage)
    began = time.monotonic()
    stage.beat.start()
    scene.wait_for("the books are audited", lambda: audited(stage) > audits, within_s=60)
    scene.moment(3.0, 6.0)
    stage.beat.stop()
    lasted_s = time.monotonic() - began
    stage.beat.start()
    for name, (count, every_s) in sent(stage).items():
        times = count - before[name][0]
        if not 1 <= times <= 1 + lasted_s // every_s:
            scene.load.wrong.append(f"the duty {name!r}, due every {every_s} s, was sent {times} times in {lasted_s:.0f} s")
    if audited(stage) != audits + 1:
        scene.load.wrong.append(f"the books were audited {audited(stage) - audits} times")


def sent(stage: Stage) -> dict[str, tuple[int, int]]:
    """How often each duty was sent, and every how many seconds it is due."""
    return {name: (int(count), int(every_s)) for name, count, every_s in stage.sql(SENT)}


def audited(stage: Stage) -> int:
    return int(stage.sql("SELECT COUNT(*) FROM tasks_app_audit")[0][0])


@trouble(tasks=80, over_s=15.0)
def a_workers_clock_jumps_by_minutes(scene: Scene) -> None:
    """Leases and deadlines are told by the database's clock: a wrong one steals nothing and expires nothing."""
    if not LIBRARIES:
        raise NotHere("faketime is not installed")
    told = scene.stage.folder / "clock"
    told.write_text("+0")
    environment = scene.stage.environment | {
        "LD_PRELOAD": str(LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(told),
        "FAKETIME_CACHE_DURATION": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    scene.stage.workers[0].stop()
    with Worker(environment) as worker:
        scene.while_clients_post(
            lambda: told.write_text(f"{scene.dice.choice([-300, 300, -3700, 86400, 0]):+d}"), every_s=(0.5, 2.0), most=30
        )
        worker.stop()


WAKE = """
import sys, time
from config.celery import app
from tasks_app.engine.wake import WORKER_FUNCTIONS
ends_at = time.monotonic() + float(sys.argv[1])
while time.monotonic() < ends_at:
    for step, function in WORKER_FUNCTIONS.items():
        for _ in range(100):
            app.send_task(function, queue=step, ignore_result=True)
    time.sleep(0.5)
"""


@trouble(tasks=80, over_s=10.0)
def each_wake_up_comes_a_hundred_times(scene: Scene) -> None:
    """A look at an index each, and no more."""
    command = [sys.executable, "-c", WAKE, str(scene.load.over_s)]
    subprocess.run(command, env=scene.stage.environment, check=True)


@trouble(tasks=80, over_s=10.0)
def mariadb_changes_its_time_zone(scene: Scene) -> None:
    """Every instant is UTC whatever the server's zone: no claim comes early, nothing expires."""
    with administrator(scene.stage) as cursor:
        for zone in ("+05:45", "-11:00", "SYSTEM"):
            scene.moment(1.0, 3.0)
            cursor.execute(f"SET GLOBAL time_zone = '{zone}'")
            cut(cursor)  # a connection keeps the zone that it began with
    scene.load.join()
