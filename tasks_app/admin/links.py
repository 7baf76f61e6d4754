"""Links from one screen to another."""

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from providers.models import Provider

from ..engine.reasons import reason
from ..models import Flag
from .pieces import link, mono


def address(model: str, *args: str) -> str:
    """Of the list of one of our tables, or of a row's page."""
    return reverse(f"admin:tasks_app_{model}_{'change' if args else 'changelist'}", args=args)


def to_task(public_id: str) -> SafeString:
    return link(reverse("admin:tasks_app_task_change", args=[public_id]), mono(public_id))


def to_account(id: int, name: str) -> SafeString:
    return link(reverse("admin:accounts_account_change", args=[id]), name)


def to_provider(provider: Provider) -> SafeString:
    return link(reverse("admin:providers_provider_change", args=[provider.id]), provider.name)


def to_flag(flag: Flag) -> SafeString:
    return link(reverse("admin:tasks_app_flag_change", args=[flag.id]), _(reason(flag.reason).title))
