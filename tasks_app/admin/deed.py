"""The screen of deeds: what operators did in the admin, newest first, whoever did it to whatever, and why.

Each is a row of Django's own log, which nothing here changes or deletes. What is done to a task is in its timeline as well, what moves
credits in the ledger.
"""

from datetime import timedelta

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy
from unfold.decorators import display

from .deeds import WHY
from .facts import FactsAdmin
from .filters import PERIODS, ColumnFilter
from .pieces import NONE, label, link, two_lines

FLAGS = {
    ADDITION: (gettext_lazy("added"), "success"),
    CHANGE: (gettext_lazy("changed"), "info"),
    DELETION: (gettext_lazy("deleted"), "danger"),
}


class WhoFilter(ColumnFilter):
    title, parameter_name = gettext_lazy("operator"), "user"

    def lookups(self, request, model_admin):
        return [(str(id), name) for id, name in User.objects.filter(is_staff=True).order_by("username").values_list("id", "username")]


class WhatFilter(ColumnFilter):
    """The tables that have a screen, by their names there."""

    title, parameter_name = gettext_lazy("what"), "content_type"

    def lookups(self, request, model_admin):
        types = ContentType.objects.get_for_models(*model_admin.admin_site._registry)
        return sorted(((str(type.id), model._meta.verbose_name) for model, type in types.items()), key=lambda one: str(one[1]))


class WhenFilter(SimpleListFilter):
    title, parameter_name = gettext_lazy("when"), "when"

    def lookups(self, request, model_admin):
        return [(value, text) for value, (text, _hours) in PERIODS.items()]

    def queryset(self, request, queryset):
        if self.value() not in PERIODS:
            return queryset
        return queryset.filter(action_time__gte=timezone.now() - timedelta(hours=PERIODS[self.value()][1]))


@display(description=gettext_lazy("Who"))
def who(entry: LogEntry) -> str:
    return entry.user.get_username()


@display(description=gettext_lazy("To what"))
def what(entry: LogEntry) -> str:
    url = entry.get_admin_url() if entry.action_flag != DELETION else None
    kind = entry.content_type.model_class() if entry.content_type else None
    return two_lines(link(url, entry.object_repr) if url else entry.object_repr, kind._meta.verbose_name if kind else NONE)


@display(description=gettext_lazy("Deed"))
def deed(entry: LogEntry) -> str:
    said = entry.get_change_message().partition(f" {WHY} ")[0]
    return said or label(*FLAGS[entry.action_flag])


@display(description=gettext_lazy("Reason"))
def reason(entry: LogEntry) -> str:
    return entry.get_change_message().partition(f" {WHY} ")[2] or NONE


@admin.register(LogEntry)
class DeedAdmin(FactsAdmin):
    list_display = ("action_time", who, what, deed, reason)
    list_filter = (WhoFilter, WhatFilter, WhenFilter)
    fields = readonly_fields = ("action_time", who, what, deed, reason)
    search_fields = ("id",)  # shows the field; what it finds is said below
    search_help_text = gettext_lazy("What it was done to, or a word of the deed or its reason")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("user", "content_type")

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        found = Q(object_repr__icontains=term) | Q(change_message__icontains=term)
        return (queryset.filter(found) if term else queryset), False
