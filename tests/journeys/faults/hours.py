"""Clocks, schedules and wake-ups."""

import subprocess
import sys
from pathlib import Path

from .mariadb import cut
from .stage import Beat, Worker, administrator
from .trouble import NotHere, Scene, trouble

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


@trouble(tasks=80, over_s=10.0)
def two_more_beats_run(scene: Scene) -> None:
    """Every duty is idempotent."""
    with Beat(scene.stage.environment), Beat(scene.stage.environment):
        scene.load.join()


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
