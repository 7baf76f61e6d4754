"""`manage.py install_schedule`: what beat shall do, for a fresh install; what is there already stays as it is."""

from django.conf import settings
from django.core.management import BaseCommand
from django_celery_beat.models import IntervalSchedule, PeriodicTask


class Command(BaseCommand):
    help = "Installs the duties of config/celery.py that the database lacks; an operator's changes stay."

    def handle(self, *args, **options):
        added = [name for name, duty in settings.SCHEDULE.items() if install(name, **duty)]
        if options["verbosity"]:
            self.stdout.write(f"{len(added)} of {len(settings.SCHEDULE)} duties added")


def install(name: str, *, task: str, every_s: int) -> bool:
    """Whether the duty was missing and is there now."""
    every, _ = IntervalSchedule.objects.get_or_create(every=every_s, period=IntervalSchedule.SECONDS)
    # A wake-up older than its period has a successor; without the expiry, a day without workers would leave a heap of them.
    defaults = {"task": task, "interval": every, "expire_seconds": max(every_s, 5)}
    _, is_new = PeriodicTask.objects.get_or_create(name=name, defaults=defaults)
    return is_new
