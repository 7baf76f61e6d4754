"""manage.py after_restore: once, after the database was put back to a backup and before the workers start again."""

from django.core.management import BaseCommand, CommandError

from tasks_app.engine import restored
from tasks_app.engine.clock import database_clock

QUESTION = """Tasks that wait, and that an upstream could sell a second time, will be failed and flagged, with their credits given back.
Do this only after the database was put back to a backup, with all workers stopped. Type "yes" to go on: """


class Command(BaseCommand):
    help = "After the database was put back to a backup, workers stopped: fails waiting tasks that might be bought a second time."

    def add_arguments(self, parser):
        parser.add_argument("--no-input", action="store_true", help="ask nothing")

    def handle(self, *args, no_input, **options):
        if not no_input and input(QUESTION) != "yes":
            raise CommandError("Nothing was changed.")
        looked = restored.run_once(clock=database_clock, by="after_restore")
        self.stdout.write(f"{looked.given_up} tasks were failed and flagged: they may have been bought since the backup.")
        self.stdout.write(f"{looked.go_on} tasks wait and go on: their upstream knows their token, should it have them.")
        self.stdout.write("Start the workers, then: manage.py storage strays lists results of tasks that went with the database.")
