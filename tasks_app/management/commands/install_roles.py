"""`manage.py install_roles`: the operators' groups, each with what it may do; the code's word each time, for new screens must reach them.

viewer   looks at everything, changes nothing
support  cancels, retries, replays; asks providers, and upstreams again, links, and gives up what is lost
finance  grants, adjusts, refunds, and sets prices
admin    all of it: providers and their credentials, models, accounts and their keys, the schedule, operators

Nobody sees a secret: credentials, keys and second factors have no screen. An operator may have several roles, and groups of your own
beside them are left alone.
"""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.core.management import BaseCommand
from django.db import transaction
from django.db.models import Q

SEEN = {
    "accounts": ("account", "apikey", "ledgerentry"),
    "providers": ("provider", "publicmodel", "route"),
    "tasks_app": ("task", "flag", "attempt", "output", "file", "audit", "delivery", "webhookendpoint"),
    "django_celery_beat": ("periodictask", "intervalschedule", "crontabschedule"),
    "admin": ("logentry",),
}
VIEWER = {f"{app}.view_{model}" for app, models in SEEN.items() for model in models}
SUPPORT = {f"tasks_app.{verb}" for verb in ("cancel_task", "retry_task", "ask_flag", "link_flag", "lose_flag", "replay_delivery")}
SUPPORT |= {"providers.ask_provider"}
FINANCE = {"accounts.grant_account", "tasks_app.refund_task", "providers.price_publicmodel"}
OPERATORS = {f"auth.{verb}_{model}" for verb in ("view", "add", "change", "delete") for model in ("user", "group")}
CHANGED = {
    "accounts": ("account", "apikey"),
    "providers": ("provider", "publicmodel", "route"),
    "tasks_app": ("webhookendpoint",),
    "django_celery_beat": ("periodictask", "intervalschedule", "crontabschedule"),
}
CHANGES = {f"{app}.{verb}_{model}" for app, models in CHANGED.items() for model in models for verb in ("add", "change", "delete")}
ROLES = {
    "viewer": VIEWER,
    "support": VIEWER | SUPPORT,
    "finance": VIEWER | FINANCE,
    "admin": VIEWER | SUPPORT | FINANCE | CHANGES | OPERATORS,
}


class Command(BaseCommand):
    help = "Installs the operators' groups viewer, support, finance and admin, and gives each its permissions."

    def handle(self, *args, **options):
        changed = [name for name, permissions in ROLES.items() if install(name, permissions)]
        if options["verbosity"]:
            self.stdout.write(f"{len(changed)} of {len(ROLES)} roles changed")


def install(name: str, permissions: Iterable[str]) -> bool:
    """Whether the group was missing or had other permissions, and has these now."""
    with transaction.atomic():
        group, _ = Group.objects.get_or_create(name=name)
        found = {f"{one.content_type.app_label}.{one.codename}": one for one in _found(permissions)}
        if missing := set(permissions) - set(found):
            raise LookupError(f"There is no permission {', '.join(sorted(missing))}: run manage.py migrate first.")
        if set(group.permissions.values_list("id", flat=True)) == {one.id for one in found.values()}:
            return False
        group.permissions.set(found.values())
    return True


def _found(permissions: Iterable[str]) -> Iterable[Permission]:
    wanted = Q()
    for app, _, codename in (permission.partition(".") for permission in permissions):
        wanted |= Q(content_type__app_label=app, codename=codename)
    return Permission.objects.filter(wanted).select_related("content_type")
