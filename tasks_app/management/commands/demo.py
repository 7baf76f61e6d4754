"""`manage.py demo`: real tasks by the whole road, on nothing but what this repository installs."""

import time
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tasks_app.management import story
from tasks_app.management.client import ENDED, Client
from tasks_app.management.stage import ROOT, NotReady, Stage

FOLDER = ROOT / "var" / "demo"
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "video/mp4": "mp4", "application/x-subrip": "srt"}
NAMES = ("1-fox", "2-city", "3-lighthouse", "4-morning", "5-all-four", "6-script", "7-video")
CREDITS = 100

AFTER = """
The results are in {folder}
To serve Darkroom:       make up
To serve these results:  DATABASE_URL=sqlite:///var/demo/darkroom.sqlite3 STORAGE_DIR=var/demo/storage make up
"""


class Command(BaseCommand):
    help = "Makes pictures, text and a video by real tasks, leaves them in var/demo, and stops all that it started."
    requires_system_checks = ()

    def handle(self, *args, **options):
        console, began = Console(), time.monotonic()
        console.print("Starting web, worker, beat and functions on SQLite, without Redis …")
        try:
            with Stage(FOLDER) as stage:
                client = stage.client(credits=CREDITS)
                tasks = story.tell(client, lambda title, ids: follow(console, client, title, ids))
                made = [save(client, name, task) for name, task in zip(NAMES, tasks, strict=True)]
                left = client.call("GET", "/api/v1/account")["balance"]
        except NotReady as fault:
            raise CommandError(str(fault)) from None
        console.print(table(made))
        console.print(f"{CREDITS - left} of {CREDITS} credits spent; {time.monotonic() - began:.0f} s in all.")
        console.print(AFTER.format(folder=FOLDER.relative_to(ROOT)), highlight=False)


def follow(console: Console, client: Client, title: str, ids: list[str]) -> list[dict[str, Any]]:
    """Show a bar for each task until all have ended; raises CommandError for one that did not succeed."""
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TextColumn("{task.fields[state]:<10}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        shown = {id: bars.add_task(title, total=1, state="queued") for id in ids}

        def tell(task: dict[str, Any]) -> None:
            done = 1 if task["status"] in ENDED else task["progress"]
            bars.update(shown[task["id"]], description=task["model"], completed=done, state=task["stage"] or task["status"])

        tasks = client.wait(ids, tell=tell)
    for task in tasks:
        if task["status"] != "succeeded":
            raise CommandError(f"{task['id']} ({task['model']}) ended as {task['status']}: {task['error']}")
    return tasks


def save(client: Client, name: str, task: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    output = task["outputs"][0]
    ending = ENDINGS.get(output["content_type"].partition(";")[0], "txt")
    return client.download(output, FOLDER / f"{name}.{ending}"), task


def table(made: list[tuple[Path, dict[str, Any]]]) -> Table:
    rows = Table("file", "model", "size", "bytes", "credits")
    for path, task in made:
        output = task["outputs"][0]
        size = f"{output['width']} × {output['height']}" if output["width"] else ""
        lasts = f", {output['duration']:.1f} s" if output["duration"] else ""
        captured = str(task["cost"]["captured"])
        rows.add_row(str(path.relative_to(ROOT)), task["model"], size + lasts, f"{output['bytes']:,}", captured)
    return rows
