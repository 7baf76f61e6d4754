"""The first page: what is going on now, each number a link to the list behind it. Every query reads a few index entries."""

from datetime import timedelta

from django.contrib import admin
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from providers.models import Provider

from .. import ids
from ..models import Task
from .filters import OPEN

FLAGGED_DAYS = 7

admin.site.index_title = "Overview"


def add_to(request, context: dict) -> dict:
    """unfold's callback for the first page."""
    return {**context, "tiles": _tiles(request.user)}


def _tiles(user) -> list[dict]:
    return [
        *(_task_tiles() if user.has_perm("tasks_app.view_task") else []),
        *(_provider_tiles() if user.has_perm("providers.view_provider") else []),
    ]


def _task_tiles() -> list[dict]:
    counts = dict(Task.objects.filter(status__in=OPEN).values_list("status").annotate(Count("id")).order_by())
    tasks = reverse("admin:tasks_app_task_changelist")
    tiles = [_tile(status, counts.get(status, 0), f"{tasks}?status={status}") for status in OPEN]
    since = ids.first_of(timezone.now() - timedelta(days=FLAGGED_DAYS))
    flagged = Task.objects.filter(flagged=True, id__gte=since).count()
    return [*tiles, _tile(f"flagged in {FLAGGED_DAYS} days", flagged, f"{tasks}?flagged__exact=1&created=7d", is_alarming=flagged > 0)]


def _provider_tiles() -> list[dict]:
    failing = Provider.objects.filter(is_enabled=True, is_healthy=False).count()
    providers = reverse("admin:providers_provider_changelist")
    return [_tile("providers failing", failing, f"{providers}?is_healthy__exact=0&is_enabled__exact=1", is_alarming=failing > 0)]


def _tile(title: str, count: int, url: str, *, is_alarming: bool = False) -> dict:
    return {"title": title, "count": f"{count:,}", "url": url, "is_alarming": is_alarming}
