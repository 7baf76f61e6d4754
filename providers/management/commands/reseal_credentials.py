"""manage.py reseal_credentials: after a new first key in SEALING_KEYS, so that the older ones may be dropped."""

from django.core.management.base import BaseCommand, CommandError

from providers import credentials


class Command(BaseCommand):
    help = "Seals every provider credential anew with the first key of SEALING_KEYS."

    def handle(self, *args, **options):
        try:
            count = credentials.reseal()
        except credentials.Unreadable as fault:
            raise CommandError(f"{fault}; the ones before it are done") from None
        self.stdout.write(f"{count} resealed; the other keys may go from SEALING_KEYS now.")
