"""The screen of webhook endpoints: whom an account wants told, how that goes, and an end to it."""

from datetime import datetime

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import Account

from .. import ids
from ..engine.accept import Problem
from ..models import Delivery, WebhookEndpoint
from ..webhooks import endpoints
from . import links
from .deeds import do_on_page
from .facts import FactsAdmin, public_id
from .pieces import label, link, moment, two_lines


class NoteForm(BaseDialogForm):
    note = forms.CharField(label=_("Note"), max_length=200, widget=UnfoldAdminTextInputWidget, help_text=_("Why; its owner reads it."))


@display(description=_("Account"))
def account(row: Delivery | WebhookEndpoint) -> str:
    return links.to_account(row.account_id, row.account.name)


@display(description=_("State"))
def state(endpoint: WebhookEndpoint) -> str:
    if not endpoint.is_enabled:
        return two_lines(label(_("disabled"), "danger"), endpoint.disabled_reason)
    if endpoint.failing_since:
        return two_lines(label(_("failing"), "warning"), moment(endpoint.failing_since))
    return label(_("enabled"), "success")


@display(description=_("Events"))
def wanted(endpoint: WebhookEndpoint) -> str:
    return ", ".join(endpoint.events)


@display(description=_("Deliveries"))
def deliveries(endpoint: WebhookEndpoint) -> str:
    return link(f"{links.address('delivery')}?q={endpoint}", _("its deliveries"))


@admin.register(WebhookEndpoint)
class EndpointAdmin(FactsAdmin):
    prefix = "whe"
    list_display = (public_id, "url", account, state, wanted, "created_at")
    list_filter = ("is_enabled",)
    fields = readonly_fields = ("url", "description", account, state, wanted, deliveries, "created_at")
    search_fields = ("id",)  # shows the field; what it finds is said below
    search_help_text = _("Endpoint or account")
    actions_detail = ("disable",)

    def has_disable_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.change_webhookendpoint")

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("account")

    def get_search_results(self, request, queryset, search_term):
        return (found(queryset, search_term.strip()) if search_term.strip() else queryset), False

    def get_actions_detail(self, request, object_id):
        endpoint = self.get_object(request, unquote(object_id))
        return super().get_actions_detail(request, object_id) if endpoint and endpoint.is_enabled else []

    @action(
        description=_("Disable"),
        permissions=["disable"],
        dialog={
            "title": _("Disable this endpoint?"),
            "description": _("What waits for it is given up. Its owner may enable it again."),
            "form_class": NoteForm,
            "form_submit_text": _("Disable"),
        },
    )
    def disable(self, request, form, object_id):
        return do_on_page(self, request, object_id, _disable, note=form.cleaned_data["note"])


def found(queryset, term: str):
    """By the first of these that `term` is: an id of a row, of its endpoint or of its task; else part of an account's name."""
    for prefix, column in (("whd", "id"), ("whe", "endpoint_id" if queryset.model is Delivery else "id"), ("task", "task_id")):
        if (id := ids.parse(prefix, term)) and hasattr(queryset.model, column):
            return queryset.filter(**{column: id})
    return queryset.filter(account__in=list(Account.objects.filter(name__icontains=term).values_list("id", flat=True)))


def _disable(endpoint: WebhookEndpoint, *, by: str, now: datetime, note: str) -> str:
    if not endpoints.disable(endpoint.account_id, endpoint.id, reason=note, now=now):
        raise Problem(409, "disabled", "It was disabled before.")
    return _("disabled; what waited for it is given up.")
