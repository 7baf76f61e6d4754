"""manage.py install_models: the built-in models and the provider that serves them; running it again is harmless."""

from django.core.management.base import BaseCommand, CommandError

from providers import built_in
from providers.installation import CannotInstall


class Command(BaseCommand):
    help = "Installs the built-in models; keeps every price, title, cap and switch that is there already."

    def handle(self, *args, **options):
        try:
            lines = built_in.install()
        except CannotInstall as fault:
            raise CommandError(str(fault)) from None
        self.stdout.write("\n".join(lines))
