"""`manage.py top`: what goes on now, anew every two seconds, until Ctrl-C; `--once` prints it as text."""

import time
from contextlib import suppress
from datetime import UTC, datetime

from django.core.management import BaseCommand
from rich.console import Console
from rich.live import Live

from tasks_app.management import readings, screen

EVERY_S = 2.0
NARROW = 80


class Command(BaseCommand):
    help = "Shows what goes on now: processes, requests, queues, slots, providers. Ctrl-C ends it."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="print one frame as text, and end")
        parser.add_argument("--every", type=float, default=EVERY_S, metavar="SECONDS", help="between two looks (2)")

    def handle(self, *args, once, every, **options):
        if once:
            console = Console(file=self.stdout, width=None if self.stdout.isatty() else NARROW, force_terminal=False)
            console.print(_frame(readings.take(), every)[1])
            return
        with suppress(KeyboardInterrupt):
            watch(every)


def watch(every: float) -> None:
    last = readings.take()
    with Live(console=Console(), screen=True, auto_refresh=False) as live:
        while True:
            last, shown = _frame(last, every)
            live.update(shown, refresh=True)


def _frame(last: readings.Reading, every: float) -> tuple[readings.Reading, object]:
    """The next reading, and what changed since the last."""
    time.sleep(every)
    now = readings.take()
    return now, screen.frame(last, now, clock=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
