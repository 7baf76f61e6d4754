"""manage.py providers install NAME: a vendor's provider and models; running it again is harmless."""

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from providers import offers
from providers.installation import CannotInstall, install


class Command(BaseCommand):
    help = "Installs what Darkroom brings along for a vendor; keeps every price, title, cap and switch that is there already."

    def add_arguments(self, parser):
        actions = parser.add_subparsers(dest="action", required=True)
        installs = actions.add_parser("install", help=self.help)
        installs.add_argument("vendors", nargs="+", choices=offers.names(), metavar="NAME", help=", ".join(offers.names()))
        installs.add_argument("--dry-run", action="store_true", help="say what would be done, and change nothing")

    def handle(self, *args, vendors, dry_run, **options):
        for vendor in vendors:
            try:
                lines = install(offers.of(vendor), now=timezone.now(), dry_run=dry_run)
            except CannotInstall as fault:
                raise CommandError(str(fault)) from None
            self.stdout.write("\n".join(lines))
