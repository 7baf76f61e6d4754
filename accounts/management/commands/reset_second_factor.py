"""`manage.py reset_second_factor NAME`: for an operator who has lost the phone and the recovery codes."""

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError

from accounts import second_factor


class Command(BaseCommand):
    help = "Takes an operator's second factor away; the next sign-in is by password, and sets up another where one is required."

    def add_arguments(self, parser):
        parser.add_argument("name", help="whom the operator signs in as")

    def handle(self, *args, **options):
        user = get_user_model().objects.filter(username=options["name"]).first()
        if user is None:
            raise CommandError(f"There is no operator {options['name']}.")
        had_one = second_factor.forget(user)
        self.stdout.write(f"{user} has no second factor any more." if had_one else f"{user} had no second factor.")
