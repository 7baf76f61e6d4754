"""What the list of unknown outcomes and losses can be narrowed to."""

from datetime import timedelta

from django.contrib.admin import SimpleListFilter
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..engine import flags
from ..engine.reasons import REASONS
from ..models import Flag
from .filters import ColumnFilter


class StateFilter(SimpleListFilter):
    """Open ones, unless said otherwise; whoever searches for one looks through all."""

    title, parameter_name = _("state"), "state"

    def lookups(self, request, model_admin):
        return [("asked", _("being asked")), *((ending, _(ending)) for ending in Flag.Ending.values), ("all", _("all"))]

    def choices(self, changelist):
        default, *others = super().choices(changelist)
        return [default | {"display": _("open")}, *others]

    def queryset(self, request, queryset):
        match self.value():
            case "asked":
                return queryset.filter(ending=flags.OPEN).exclude(due_at=None)
            case "all":
                return queryset
            case ending if ending in Flag.Ending.values:
                return queryset.filter(ending=ending)
        return queryset if request.GET.get("q", "").strip() else queryset.filter(ending=flags.OPEN)


class ReasonFilter(ColumnFilter):
    title, parameter_name = _("reason"), "reason"

    def lookups(self, request, model_admin):
        return [(word, _(reason.title)) for word, reason in REASONS.items()]


class AgeFilter(SimpleListFilter):
    title, parameter_name = _("age"), "age"
    AGES = {"new": _("past 24 hours"), "1d": _("older than 1 day"), "7d": _("older than 7 days"), "30d": _("older than 30 days")}

    def lookups(self, request, model_admin):
        return list(self.AGES.items())

    def queryset(self, request, queryset):
        if self.value() not in self.AGES:
            return queryset
        if self.value() == "new":
            return queryset.filter(raised_at__gte=timezone.now() - timedelta(days=1))
        return queryset.filter(raised_at__lt=timezone.now() - timedelta(days=int(self.value().removesuffix("d"))))
