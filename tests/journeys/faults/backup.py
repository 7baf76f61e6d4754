"""The database put back to a backup, as the page for operators says (docs/backups.md)."""

import shutil
import subprocess

from tests.servers import PATH, found
from tests.upstreams import answer

from .judge import UNKNOWN, still_open
from .stage import DATABASE, Stage
from .trouble import NotHere, Scene, trouble


@trouble(tasks=120, over_s=12.0, forgets=True, may_fail=frozenset({UNKNOWN}))
def the_database_is_put_back_to_a_backup_of_seconds_ago(scene: Scene) -> None:
    """What the backup has ends, and none of it is bought twice; what was accepted since is gone, and its results are found as strays."""
    if not shutil.which("mariadb-dump", path=PATH):
        raise NotHere("mariadb-dump is not installed")
    stage = scene.stage
    for name in ("plasma", "grit"):  # so that tasks wait when the backup is made, and are bought after it
        stage.upstreams[name].will(answer(429, retry_after=4), times=15)
    scene.moment(2.5, 3.5)
    saved = dump(stage)
    scene.moment(6.0, 7.0)
    served = [stage.web, *stage.workers, stage.beat]
    for server in served:
        server.kill()
    put_back(stage, saved)
    scene.notes.append(stage.manage("after_restore", "--no-input").splitlines()[0].rstrip("."))
    for server in served:
        server.start()
    scene.load.join()
    scene.wait_for("all tasks are over", lambda: not still_open(stage), within_s=120)
    scene.notes.append(stage.manage("storage", "strays", "--delete").splitlines()[-1].rstrip("."))


def dump(stage: Stage) -> bytes:
    command = [
        found("mariadb-dump"),
        "--no-defaults",
        *_as_root(stage),
        "--single-transaction",
        "--skip-lock-tables",
        "--hex-blob",
        DATABASE,
    ]
    return subprocess.run(command, check=True, capture_output=True).stdout


def put_back(stage: Stage, saved: bytes) -> None:
    command = [found("mariadb"), "--no-defaults", *_as_root(stage), DATABASE]
    subprocess.run(command, input=saved, check=True, capture_output=True)


def _as_root(stage: Stage) -> list[str]:
    return ["--user=root", f"--socket={stage.mariadb.folder / 's'}"]
