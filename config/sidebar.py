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
        "Tasks",
        screen("Tasks", "movie", "tasks_app.task"),
        screen("Unknown outcomes, losses", "flag", "tasks_app.flag"),
        screen("Attempts", "send", "tasks_app.attempt"),
        screen("Outputs", "image", "tasks_app.output"),
        screen("Files", "upload_file", "tasks_app.file"),
    ),
    group(
        "Webhooks",
        screen("Deliveries", "outgoing_mail", "tasks_app.delivery"),
        screen("Endpoints", "webhook", "tasks_app.webhookendpoint"),
    ),
    group(
        "Accounts",
        screen("Accounts", "groups", "accounts.account"),
        screen("API keys", "key", "accounts.apikey"),
        screen("Ledger", "receipt_long", "accounts.ledgerentry"),
        screen("Audits", "fact_check", "tasks_app.audit"),
    ),
    group(
        "Providers",
        screen("Providers", "cloud", "providers.provider"),
        screen("Models and routes", "category", "providers.publicmodel"),
    ),
    group(
        "Schedule",
        screen("Duties", "schedule", "django_celery_beat.periodictask"),
        screen("Intervals", "timer", "django_celery_beat.intervalschedule"),
        screen("Crontabs", "calendar_month", "django_celery_beat.crontabschedule"),
    ),
    group(
        "Operators",
        screen("Operators", "person", "auth.user"),
        screen("Groups", "badge", "auth.group"),
        screen("Deeds", "history", "admin.logentry"),
    ),
]
