"""Two releases on one database: the next one comes over a migration and is taken back, under load, old and new code side by side.

The next one is this tree with what a release may well bring (EDITS): a column that it fills and the old code has never heard of, one
that may be empty, and one that the old code fills and it has never heard of. Its migration is right, if old code can live with it.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers import Server

from .judge import Findings
from .stage import ROOT, OfDarkroom, Stage
from .trouble import Scene, trouble

PARTS = ("accounts", "config", "deploy", "locale", "manage.py", "providers", "scf_client", "tasks_app", "tests")
EDITS = (
    (
        "tasks_app/models/task.py",
        "    flagged =",
        '    made_by = models.CharField(max_length=8, default="", db_default="old")\n    flagged =',
    ),
    ("tasks_app/engine/queue.py", '("webhook_url", "hold",', '("made_by", "webhook_url", "hold",'),
    ("tasks_app/engine/accept.py", "        kind=model.kind,", '        kind=model.kind,\n        made_by="new",'),
    ("tasks_app/engine/claims.py", '    "account_id",\n', '    "account_id",\n    "made_by",\n'),
    ("tasks_app/models/attempt.py", "    landed_at =", "    sent_by = models.CharField(max_length=8, null=True)\n    landed_at ="),
    ("tasks_app/engine/attempts.py", "            intended_at=now,", '            intended_at=now,\n            sent_by="new",'),
    ("tasks_app/models/attempt.py", '    message = models.CharField(max_length=500, default="")\n', ""),
    ("tasks_app/engine/attempts.py", ', "message": outcome.message[:500]}', "}"),
    ("tasks_app/engine/link.py", 'message="", ', ""),
    ("tasks_app/admin/attempt.py", "attempt.message", '""'),
)
MIGRATION = """
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks_app", "{before}")]
    operations = [
        migrations.AddField("task", "made_by", models.CharField(max_length=8, default="", db_default="old")),
        migrations.AddField("attempt", "sent_by", models.CharField(max_length=8, null=True)),
        migrations.AlterField("attempt", "message", models.CharField(max_length=500, default="", db_default="")),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("attempt", "message")]),
    ]
"""
UNFIT = ("1054", "1364")  # unknown column; a column without a default was given nothing
MADE = "SELECT made_by, COUNT(*) FROM tasks_app_task WHERE idempotency_key LIKE '{fire}-%' GROUP BY made_by"
SENT = """
    SELECT a.sent_by IS NULL, COUNT(*) FROM tasks_app_attempt a JOIN tasks_app_task t ON t.id = a.task_id
    WHERE t.idempotency_key LIKE '{fire}-%' GROUP BY 1
"""


def prepare(scene: Scene) -> None:
    """Write the next release down: that takes a while."""
    Release(scene.stage)


@trouble(first=prepare, tasks=120, over_s=40.0, moves_within_s=20.0)
def a_new_release_comes_under_load(scene: Scene) -> None:
    """It migrates while the old code runs, then process after process is replaced: none trips over the other's columns."""
    with next_release(scene) as release:
        scene.moment(1.0, 2.0)
        release.migrate()
        replace_in_turn(scene, release.tree)
        scene.load.join()
        release.was_shared(scene)


@trouble(first=prepare, tasks=120, over_s=40.0, moves_within_s=20.0)
def a_new_release_is_taken_back_under_load(scene: Scene) -> None:
    """The old code returns, process after process, to the new one's schema and rows: it goes on with them."""
    with next_release(scene) as release:
        release.migrate()
        for server in ours(scene.stage):
            put(server, release.tree)
        scene.moment(1.0, 2.0)
        replace_in_turn(scene, ROOT)
        scene.load.join()
        release.was_shared(scene)


class Release:
    """The next release, its code in `tree`."""

    def __init__(self, stage: Stage):
        self.tree = stage.folder / "next"
        self._stage = stage
        self._before = max(path.stem for path in (ROOT / "tasks_app/migrations").glob("0*.py"))
        if not self.tree.exists():
            self._write()

    def migrate(self) -> None:
        self._stage.manage("migrate", tree=self.tree)

    def migrate_back(self) -> None:
        self._stage.manage("migrate", "tasks_app", self._before, tree=self.tree)

    def was_shared(self, scene: Scene) -> None:
        """Raises TimeoutError where either code made, or sent, none of this fire's tasks: then nothing was tried."""
        fire = scene.load.posts[0].key.rpartition("-")[0]
        figures = MADE.format(fire=fire), SENT.format(fire=fire)
        scene.wait_for("both made and sent tasks", lambda: all(len(self._stage.sql(one)) == 2 for one in figures), within_s=30)
        made, sent = (dict(self._stage.sql(one)) for one in figures)
        scene.notes.append(f"the new code made {made['new']} tasks and sent {sent['0']}, the old one {made['old']} and {sent['1']}")

    def _write(self) -> None:
        self.tree.mkdir()
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, self.tree / part)
        for name, old, new in EDITS:
            path = self.tree / name
            text = path.read_text()
            assert old in text, f"{name} has no {old!r} any more: the next release must be written anew"
            path.write_text(text.replace(old, new))
        (self.tree / "tasks_app/migrations/9999_next.py").write_text(MIGRATION.format(before=self._before))
        self._stage.manage("makemigrations", "--check", "--skip-checks", tree=self.tree)


@contextmanager
def next_release(scene: Scene) -> Iterator[Release]:
    """In the end the old code runs, on its own schema. Then what the processes wrote is searched for a column that did not fit."""
    stage = scene.stage
    release, read = Release(stage), [(server, len(written(server))) for server in ours(stage)]

    def none_tripped(found: Findings, rows: object) -> None:
        for server, length in read:
            lines = written(server)[length:].splitlines()
            found.wrong += [f"{server.name}: {line}"[:300] for line in lines if any(f"({code}," in line for code in UNFIT)]

    scene.afterwards.append(none_tripped)
    try:
        yield release
    finally:
        for server in ours(stage):
            put(server, ROOT)
        release.migrate_back()


def replace_in_turn(scene: Scene, tree: Path) -> None:
    """One process after another by that code's, in an order that the dice choose; of web and workers one each while clients post."""
    stage = scene.stage
    first, then = [stage.web, stage.workers[0]], [stage.workers[1], stage.beat]
    for servers in (first, then):
        scene.dice.shuffle(servers)
    for server in (*first, *then):
        scene.moment(0.5, 1.5)
        put(server, tree)
        scene.watch.killed()


def ours(stage: Stage) -> list[OfDarkroom]:
    return [stage.web, *stage.workers, stage.beat]


def put(server: OfDarkroom, tree: Path) -> None:
    if server.tree != tree:
        server.stop()
        server.tree = tree
        server.start()


def written(server: Server) -> str:
    return (server.folder / "log").read_text(errors="replace")
