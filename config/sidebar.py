"""The operator's side bar: the screens in the product's words, each shown to who may look at it."""

from functools import partial

from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def may_view(app: str, model: str, request) -> bool:
    return any(request.user.has_perm(f"{app}.{verb}_{model}") for verb in ("view", "change"))


def screen(title: str, icon: str, model: str) -> dict:
    """A line that leads to the list of `model`; the icon is one of Google's Material Symbols."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": partial(may_view, app, name),
    }


def group(title: str, *screens: dict) -> dict:
    return {"title": title, "items": list(screens)}


OF_ONESELF = [
    {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
    {"title": _("Second factor"), "link": reverse_lazy("admin:second_factor")},
]
NAVIGATION = [
    group(
        _("Tasks"),
        screen(_("Tasks"), "movie", "tasks_app.task"),
        screen(_("Unknown outcomes, losses"), "flag", "tasks_app.flag"),
        screen(_("Attempts"), "send", "tasks_app.attempt"),
        screen(_("Outputs"), "image", "tasks_app.output"),
        screen(_("Files"), "upload_file", "tasks_app.file"),
    ),
    group(
        _("Webhooks"),
        screen(_("Deliveries"), "outgoing_mail", "tasks_app.delivery"),
        screen(_("Endpoints"), "webhook", "tasks_app.webhookendpoint"),
    ),
    group(
        _("Accounts"),
        screen(_("Accounts"), "groups", "accounts.account"),
        screen(_("API keys"), "key", "accounts.apikey"),
        screen(_("Ledger"), "receipt_long", "accounts.ledgerentry"),
        screen(_("Audits"), "fact_check", "tasks_app.audit"),
    ),
    group(
        _("Providers"),
        screen(_("Providers"), "cloud", "providers.provider"),
        screen(_("Models and routes"), "category", "providers.publicmodel"),
    ),
    group(
        _("Schedule"),
        screen(_("Duties"), "schedule", "django_celery_beat.periodictask"),
        screen(_("Intervals"), "timer", "django_celery_beat.intervalschedule"),
        screen(_("Crontabs"), "calendar_month", "django_celery_beat.crontabschedule"),
    ),
    group(
        _("Operators"),
        screen(_("Operators"), "person", "auth.user"),
        screen(_("Groups"), "badge", "auth.group"),
        screen(_("Deeds"), "history", "admin.logentry"),
    ),
]
