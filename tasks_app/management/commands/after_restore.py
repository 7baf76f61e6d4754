"""manage.py after_restore: once, after the database was put back to a backup and before the workers start again."""

from django.core.management import BaseCommand, CommandError

from tasks_app.engine import restored
from tasks_app.engine.clock import database_clock

QUESTION = """Tasks that wait or are on their way may have been bought already: they will be failed and flagged, their credits given back.
Do this only after the database was put back to a backup, with all workers stopped. Type "yes" to go on: """


class Command(BaseCommand):
    help = "After the database was put back to a backup, workers stopped: fails tasks that might be bought a second time."

    def add_arguments(self, parser):
        parser.add_argument("--no-input", action="store_true", help="ask nothing")
        help = "let those go on whose only upstream honours our tokens; one that it refused since, and then took, is bought twice"
        parser.add_argument("--trust-tokens", action="store_true", help=help)

    def handle(self, *args, no_input, trust_tokens, **options):
        if not no_input and input(QUESTION) != "yes":
            raise CommandError("Nothing was changed.")
        looked = restored.run_once(clock=database_clock, by="after_restore", trust_tokens=trust_tokens)
        self.stdout.write(f"{looked.given_up} tasks were failed and flagged: they may have been bought since the backup.")
        self.stdout.write(f"{looked.go_on} tasks go on: their upstream knows their token, should it have them.")
        self.stdout.write("Start the workers, then: manage.py storage strays lists results of tasks that went with the database.")
