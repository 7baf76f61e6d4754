"""The first page: what is going on now, each number a link to the list behind it. Every query reads a few index entries."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from providers.models import Provider

from ..engine import flags
from ..engine.reasons import reason
from ..models import Audit, Task
from .filters import OPEN

AUDIT_IS_OLD = timedelta(days=2)

admin.site.index_title = "Overview"


def add_to(request, context: dict) -> dict:
    """unfold's callback for the first page."""
    return {**context, "tiles": _tiles(request.user)}


def _tiles(user) -> list[dict]:
    return [
        *(_task_tiles() if user.has_perm("tasks_app.view_task") else []),
        *(_flag_tiles() if user.has_perm("tasks_app.view_flag") else []),
        *(_provider_tiles() if user.has_perm("providers.view_provider") else []),
        *(_audit_tiles() if user.has_perm("tasks_app.view_audit") else []),
    ]


def _task_tiles() -> list[dict]:
    counts = dict(Task.objects.filter(status__in=OPEN).values_list("status").annotate(Count("id")).order_by())
    tasks = reverse("admin:tasks_app_task_changelist")
    return [_tile(status, counts.get(status, 0), f"{tasks}?status={status}") for status in OPEN]


def _flag_tiles() -> list[dict]:
    """One for all, and one for each reason that there is."""
    counts, url = flags.open_by_reason(), reverse("admin:tasks_app_flag_changelist")
    every = _tile("unknown outcomes and losses", sum(counts.values()), url, is_alarming=bool(counts))
    return [every, *(_tile(reason(word).title, count, f"{url}?reason={word}", is_alarming=True) for word, count in counts.items())]


def _provider_tiles() -> list[dict]:
    failing = Provider.objects.filter(is_enabled=True, is_healthy=False).count()
    providers = reverse("admin:providers_provider_changelist")
    return [_tile("providers failing", failing, f"{providers}?is_healthy__exact=0&is_enabled__exact=1", is_alarming=failing > 0)]


def _audit_tiles() -> list[dict]:
    """What the newest audit found; "?" where it is too old to go by, as beat may not run."""
    last = Audit.objects.order_by("-id").first()
    audits = reverse("admin:tasks_app_audit_changelist")
    if last is None or timezone.now() - last.finished_at > AUDIT_IS_OLD:
        is_overdue = last is not None or Account.objects.filter(created_at__lt=timezone.now() - AUDIT_IS_OLD).exists()
        return [_tile("faults in the books", "?", audits, is_alarming=is_overdue)]
    url = reverse("admin:tasks_app_audit_change", args=[last.id]) if last.faults else audits
    return [_tile("faults in the books", last.faults, url, is_alarming=last.faults > 0)]


def _tile(title: str, count: int | str, url: str, *, is_alarming: bool = False) -> dict:
    return {"title": title, "count": count if isinstance(count, str) else f"{count:,}", "url": url, "is_alarming": is_alarming}
