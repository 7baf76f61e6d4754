"""What all screens of facts share: rows are looked at, under their public ids, and a list costs the same however long the table is."""

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from .. import ids
from .pieces import mono


@display(description=_("Id"))
def public_id(row) -> str:
    return mono(str(row))


class Newest(ChangeList):
    """Rows, newest first, each behind a link that carries its public id."""

    def url_for_result(self, result):
        opts = result._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[str(result)])


class FactsAdmin(ModelAdmin):
    """Nothing here adds, changes or deletes a row. `prefix` is that of the table's public ids, empty where it has none."""

    prefix = ""
    ordering = ("-id",)
    sortable_by = ()  # any order but the primary key's would sort the whole table for one page
    paginator = InfinitePaginator  # a count reads the whole index: 0.4 s for a million tasks
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 0
    list_disable_select_all = True

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_changelist(self, request, **kwargs):
        return Newest if self.prefix else super().get_changelist(request, **kwargs)

    def get_object(self, request, object_id, from_field=None):
        """By public id; the admin's own history still asks by the bare one."""
        id = ids.parse(self.prefix, object_id)
        return super().get_object(request, str(id) if id else object_id, from_field)
