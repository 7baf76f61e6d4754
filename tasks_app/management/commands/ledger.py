"""`manage.py ledger check`: the nightly audit, now; for the shell, and for whoever watches its exit code."""

from django.core.management import BaseCommand, CommandError

from tasks_app import audit
from tasks_app.engine.clock import database_clock


class Command(BaseCommand):
    help = "check: holds accounts, ledger, tasks and references against each other; exits 1 where something does not add up."

    def add_arguments(self, parser):
        commands = parser.add_subparsers(dest="command", required=True)
        check = commands.add_parser("check", help="look at everything once; changes nothing, and the admin shows the outcome")
        check.add_argument("--all", action="store_true", help="every task that is kept, not only those of the last fourteen days")

    def handle(self, *args, **options):
        found = audit.run_once(clock=database_clock, is_whole=options["all"])
        for finding in found.findings:
            self.stdout.write(f"  {finding}")
        looked_at = f"{found.accounts:,} accounts and {found.tasks:,} tasks"
        if found.faults:
            raise CommandError(f"The books do not add up: {found.faults:,} faults in {looked_at}.")
        self.stdout.write(f"The books add up: {looked_at}.")
