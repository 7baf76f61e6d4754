"""The screen of files: what clients uploaded to be used as inputs, newest first, with a look at each."""

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import Account

from .. import content, ids
from ..models import File
from . import links, previews
from .facts import FactsAdmin, public_id
from .previews import kept, preview


@display(description=_("Account"))
def account(file: File) -> str:
    return links.to_account(file.account_id, file.account_name)


@admin.register(File)
class FileAdmin(FactsAdmin):
    prefix = "file"
    list_display = (public_id, "name", account, "content_type", kept, "created_at")
    fields = readonly_fields = (preview, "name", account, "content_type", kept, "sha256", "key", "created_at")
    search_fields = ("id",)  # shows the field; what it finds is said below
    search_help_text = _("File or account")

    def get_queryset(self, request):
        name = Account.objects.filter(id=OuterRef("account_id")).values("name")
        return super().get_queryset(request).annotate(account_name=Subquery(name))

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        if not term:
            return queryset, False
        if file := ids.parse("file", term):
            return queryset.filter(id=file), False
        return queryset.filter(account_id__in=Account.objects.filter(name__icontains=term).values("id")), False

    def get_urls(self):
        return [*previews.urls(self, content=content.of_file), *super().get_urls()]
