"""What the list of tasks can be narrowed to. The choices come from small tables: to ask the tasks themselves would read them all."""

from datetime import timedelta

from django.contrib.admin import SimpleListFilter
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from providers.models import Provider, PublicModel

from .. import ids
from ..engine import lifecycle
from ..models import Task

OPEN = [status.value for status in Task.Status if status not in lifecycle.TERMINAL]
PERIODS = {
    "1h": (_("past hour"), 1),
    "24h": (_("past 24 hours"), 24),
    "7d": (_("past 7 days"), 7 * 24),
    "30d": (_("past 30 days"), 30 * 24),
}


class ColumnFilter(SimpleListFilter):
    """One value of the column `parameter_name`, out of `lookups`; a value that is not among them narrows nothing."""

    def queryset(self, request, queryset):
        if self.value() not in dict(self.lookup_choices):
            return queryset
        return queryset.filter(**{self.parameter_name: self.value()})


class StatusFilter(ColumnFilter):
    title, parameter_name = _("status"), "status"

    def lookups(self, request, model_admin):
        return [("open", _("not over")), *((status, _(status)) for status in Task.Status.values)]

    def queryset(self, request, queryset):
        return queryset.filter(status__in=OPEN) if self.value() == "open" else super().queryset(request, queryset)


class KindFilter(ColumnFilter):
    title, parameter_name = _("kind"), "kind"

    def lookups(self, request, model_admin):
        return PublicModel.Kind.choices


class ModelFilter(ColumnFilter):
    title, parameter_name = _("model"), "model"

    def lookups(self, request, model_admin):
        return [(name, name) for name in PublicModel.objects.order_by("name").values_list("name", flat=True)]


class ProviderFilter(ColumnFilter):
    title, parameter_name = _("provider"), "provider"

    def lookups(self, request, model_admin):
        return [(str(id), name) for id, name in Provider.objects.order_by("name").values_list("id", "name")]


class CreatedFilter(SimpleListFilter):
    """By the primary key, whose first bits are the time of creation."""

    title, parameter_name = _("created"), "created"

    def lookups(self, request, model_admin):
        return [(value, text) for value, (text, _hours) in PERIODS.items()]

    def queryset(self, request, queryset):
        if self.value() not in PERIODS:
            return queryset
        since = timezone.now() - timedelta(hours=PERIODS[self.value()][1])
        return queryset.filter(id__gte=ids.first_of(since))
