"""The screen of outputs: what tasks made, newest first, with a look at each."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from .. import content, ids
from ..ids import shown
from ..models import Output
from . import links, previews
from .facts import FactsAdmin, public_id
from .previews import kept, measures, preview


@display(description=_("Task"))
def task(output: Output) -> str:
    return links.to_task(shown("task", output.task_id))


@admin.register(Output)
class OutputAdmin(FactsAdmin):
    prefix = "output"
    list_display = (public_id, task, "content_type", measures, kept, "created_at")
    fields = readonly_fields = (preview, task, "position", "content_type", measures, kept, "sha256", "key", "created_at")
    search_fields = ("id",)  # shows the field; what it finds is said below
    search_help_text = _("Output or task")

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        if task := ids.parse("task", term):
            return queryset.filter(task_id=task), False
        return (queryset.filter(id=ids.parse("output", term)) if term else queryset), False

    def get_urls(self):
        return [*previews.urls(self, content=content.of_output, thumbnail=content.of_thumbnail), *super().get_urls()]
