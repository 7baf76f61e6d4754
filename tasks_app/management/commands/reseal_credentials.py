"""manage.py reseal_credentials: after a new first key in SEALING_KEYS, so that the older ones may be dropped."""

from django.core.management.base import BaseCommand, CommandError

from providers import credentials
from providers.sealing import Unreadable
from tasks_app.webhooks import endpoints


class Command(BaseCommand):
    help = "Seals every provider credential and webhook secret anew with the first key of SEALING_KEYS."

    def handle(self, *args, **options):
        try:
            count = credentials.reseal() + endpoints.reseal()
        except Unreadable as fault:
            raise CommandError(f"{fault}; the ones before it are done") from None
        self.stdout.write(f"{count} resealed; the other keys may go from SEALING_KEYS now.")
