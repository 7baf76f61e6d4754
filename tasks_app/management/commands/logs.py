"""`manage.py logs`: what every process says, readable, and narrowed to one task, request, process or level.

manage.py logs -f --level WARNING            the journal of darkroom's units, where systemd keeps one
manage.py logs --task task_01… /var/log/*.log
manage.py up 2>&1 | manage.py logs -          a dash reads what is piped in
"""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.management import BaseCommand, CommandError

from tasks_app.management import log_lines
from tasks_app.management.log_lines import LEVELS, Filter

JOURNAL = Path("/run/systemd/journal")


class Command(BaseCommand):
    help = "Shows the log lines of all processes, readable: of the journal, of FILES, or (-) of what is piped in."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="*", metavar="FILE", help="log files; - for what is piped in; none: the journal")
        parser.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
        parser.add_argument("-n", "--lines", type=int, default=1000, help="how many lines back to begin, before they are narrowed (1000)")
        parser.add_argument("--task", default="", metavar="ID", help="only lines that name this task")
        parser.add_argument("--request", default="", metavar="ID", help="only lines of this request")
        parser.add_argument("--level", choices=LEVELS, default="", help="only lines as severe as this")
        parser.add_argument("--process", default="", metavar="NAME", help="web, worker, beat, functions, or how a unit's name goes on")

    def handle(self, *args, files, **options):
        wanted = Filter(tuple(filter(None, (options["task"], options["request"]))), options["level"], options["process"])
        with _source(files, follow=options["follow"], lines=options["lines"]) as lines:
            for line in filter(wanted.takes, log_lines.read(lines)):
                self.stdout.write(log_lines.shown(line, is_coloured=self.stdout.isatty()))
                self.stdout.flush()


@contextmanager
def _source(files: list[str], *, follow: bool, lines: int) -> Iterator[Iterator[str]]:
    if files == ["-"]:
        yield sys.stdin
        return
    command = of_files(files, follow=follow, lines=lines) if files else of_journal(follow=follow, lines=lines)
    if not files and not (JOURNAL.is_dir() and shutil.which("journalctl")):
        raise CommandError("There is no journal on this machine: name log files, or pipe lines in and say -.")
    # Ctrl-C is for us: it ends the reader by its closed pipe, and no traceback is left behind.
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, errors="replace", start_new_session=True) as reader:
        signal.signal(signal.SIGINT, lambda *_: reader.terminate())
        try:
            yield reader.stdout
        finally:
            reader.terminate()


def of_journal(*, follow: bool, lines: int) -> list[str]:
    """As JSON, for it names the unit."""
    fields = "--output-fields=MESSAGE,_SYSTEMD_UNIT"
    return ["journalctl", "-o", "json", fields, "-u", "darkroom*", "-n", str(lines), *(["-f"] if follow else [])]


def of_files(files: list[str], *, follow: bool, lines: int) -> list[str]:
    """By name, so that a file which logrotate put aside is followed by its successor."""
    return ["tail", "-v", "-n", str(lines), *(["-F"] if follow else []), "--", *files]
