"""`manage.py doctor [--json]`: is everything well, and if not, what is to be done? Exits 0 (well), 1 (look at it) or 2 (broken)."""

import json
import sys

from django.core.management import BaseCommand
from rich.console import Console
from rich.table import Table

from tasks_app import doctor
from tasks_app.doctor.verdict import LEVELS, Verdict, worst

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


class Command(BaseCommand):
    help = "Asks every part that Darkroom stands on how it is: a verdict on each, its figure, and what to do. Exits 0, 1 or 2."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="for programs: one object, with the exit code")

    def handle(self, *args, **options):
        found = doctor.examine()
        self.stdout.write(as_json(found) if options["json"] else as_text(found, is_terminal=self.stdout.isatty()))
        self.stdout.flush()
        if code := worst(found):
            sys.exit(code)


def as_json(found: list[Verdict]) -> str:
    return json.dumps({"verdict": LEVELS[worst(found)], "exit_code": worst(found), "checks": [one.as_json() for one in found]}, indent=2)


def as_text(found: list[Verdict], *, is_terminal: bool) -> str:
    """A line for each check, and below it what to do."""
    console = Console(force_terminal=is_terminal, highlight=False, width=None if is_terminal else 160)
    table = Table.grid(padding=(0, 2))
    for one in found:
        table.add_row(f"[{STYLES[one.level]}]{one.level:<4}[/]", one.check, _plain(one.figure))
        if one.remedy:
            table.add_row("", "", f"[italic]→ {_plain(one.remedy)}[/]")
    with console.capture() as written:
        console.print(table)
        console.print(_sum(found))
    return "\n".join(line.rstrip() for line in written.get().splitlines())


def _sum(found: list[Verdict]) -> str:
    counts = {level: sum(one.level == level for one in found) for level in LEVELS}
    return f"{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} broken. docs/operations.md says more of each."


def _plain(text: str) -> str:
    """Without what rich would take for its own marks."""
    return text.replace("[", r"\[")
