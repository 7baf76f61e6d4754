"""`manage.py cleanup [--dry-run] [duty …]`: what beat does every hour, by hand and to the end."""

from django.core.management import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat

from tasks_app import cleanup
from tasks_app.engine.clock import database_clock


class Command(BaseCommand):
    help = "Removes what is past its keep time; with --dry-run it only says what would go."

    def add_arguments(self, parser):
        duties = "; ".join(f"{name}: {duty.what}" for name, duty in cleanup.DUTIES.items())
        parser.add_argument(
            "duty", nargs="*", default=[], choices=[*cleanup.DUTIES, []], help=f"only these, all where none is named. {duties}"
        )
        parser.add_argument("--dry-run", action="store_true", help="change nothing")

    def handle(self, *args, duty, **options):
        is_dry = options["dry_run"]
        if unknown := set(duty) - cleanup.DUTIES.keys():
            raise CommandError(f"There is no duty {', '.join(sorted(unknown))}; there are {', '.join(cleanup.DUTIES)}.")
        for name in duty or cleanup.DUTIES:
            done = cleanup.run(name, clock=database_clock, is_dry=is_dry)
            self.stdout.write(line(name, done))
        self.stdout.write("Nothing was changed." if is_dry else "They are gone.")


def line(name: str, done: cleanup.Done) -> str:
    since = f"oldest {done.oldest:%Y-%m-%d %H:%M}" if done.oldest else ""
    size = filesizeformat(done.bytes).replace("\xa0", " ")
    return f"  {name:<11} {done.rows:>9,} rows {size:>10}  {since}".rstrip()
