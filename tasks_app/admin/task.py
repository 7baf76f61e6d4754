"""The screen of tasks: what was asked, how it went, what it cost, and what an operator may do about it."""

from datetime import datetime
from functools import partial

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from .. import ids
from ..engine import cancel, lifecycle, refund, retry
from ..models import Task
from . import filters, search, task_page
from .deeds import do_on_page, do_to
from .facts import FactsAdmin, public_id
from .pieces import NONE, moment, one_line, two_lines


class RetryForm(BaseDialogForm):
    """`key` is the new task's idempotency key, so a button that is pressed twice makes one task."""

    key = forms.CharField(widget=forms.HiddenInput, initial=lambda: ids.shown("retry", ids.new()), max_length=100)


class RefundForm(BaseDialogForm):
    note = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, help_text=_("Why; it stays in the ledger."))


@display(description=_("Account"))
def account(task: Task) -> str:
    return two_lines(task.account.name, task.end_user)


@display(description=_("Provider"))
def provider(task: Task) -> str:
    attempts = one_line(ngettext("{count} attempt", "{count} attempts", task.attempts).format(count=task.attempts)) if task.attempts else ""
    return two_lines(task.provider.name if task.provider else NONE, attempts)


@display(description=_("Credits"))
def credits(task: Task) -> str:
    return two_lines(f"{task.hold:,}", _("held")) if task.captured is None else f"{task.captured:,}"


@display(description=_("Created"))
def created(task: Task) -> str:
    return two_lines(moment(task.created_at), one_line(task_page.took(task)))


@admin.register(Task)
class TaskAdmin(FactsAdmin):
    prefix = "task"
    list_display = (public_id, task_page.state, task_page.model, account, provider, credits, created)
    list_filter = (
        filters.StatusFilter,
        "flagged",
        filters.CreatedFilter,
        filters.KindFilter,
        filters.ModelFilter,
        filters.ProviderFilter,
    )
    search_fields = ("id",)  # shows the field; search.py says what it finds
    search_help_text = _("Task, account, end user or idempotency key")
    actions = ("cancel_selected", "retry_selected")
    actions_detail = ("cancel", "retry", "refund")

    def has_cancel_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.cancel_task")

    def has_retry_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.retry_task")

    def has_refund_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.refund_task")

    def get_queryset(self, request):
        # Accounts and providers are read by queries of their own: joined, MariaDB sorts a million tasks by account for each page (13 s).
        return super().get_queryset(request).prefetch_related("account", "provider")

    def get_search_results(self, request, queryset, search_term):
        return (queryset.filter(search.matching(search_term)) if search_term.strip() else queryset), False

    def get_fieldsets(self, request, obj=None):
        may_see = request.user.has_perm
        return task_page.groups(obj, with_outputs=may_see("tasks_app.view_output"), with_records=may_see("tasks_app.view_attempt"))

    def get_actions_detail(self, request, object_id):
        """Those that the task's state allows now; the engine has the last word all the same."""
        task = self.get_object(request, unquote(object_id))
        return [one for one in super().get_actions_detail(request, object_id) if task and _is_possible(one.path, task)]

    @admin.action(description=_("Cancel the selected tasks"), permissions=["cancel"])
    def cancel_selected(self, request, queryset):
        do_to(self, request, queryset, _cancel)

    @admin.action(description=_("Retry the selected tasks"), permissions=["retry"])
    def retry_selected(self, request, queryset):
        do_to(self, request, queryset, _retry)

    @action(
        description=_("Cancel task"),
        permissions=["cancel"],
        dialog={
            "title": _("Cancel this task?"),
            "description": _(
                "A waiting task ends at once and its credits come back. A running one ends when its upstream has stopped it, "
                "and costs what the upstream then charges."
            ),
            "form_submit_text": _("Yes, cancel the task"),
        },
    )
    def cancel(self, request, form, object_id):
        return do_on_page(self, request, object_id, _cancel)

    @action(
        description=_("Retry"),
        permissions=["retry"],
        dialog={
            "title": _("Retry this task?"),
            "description": _("Its order is accepted once more, as a new task that its account pays for."),
            "form_class": RetryForm,
            "form_submit_text": _("Retry"),
        },
    )
    def retry(self, request, form, object_id):
        return do_on_page(self, request, object_id, partial(_retry, key=form.cleaned_data["key"]))

    @action(
        description=_("Refund"),
        permissions=["refund"],
        dialog={
            "title": _("Refund this task?"),
            "description": _("All that it captured goes back to its account. A task is refunded once."),
            "form_class": RefundForm,
            "form_submit_text": _("Refund"),
        },
    )
    def refund(self, request, form, object_id):
        return do_on_page(self, request, object_id, _refund, note=form.cleaned_data["note"])


def _is_possible(verb: str, task: Task) -> bool:
    match verb:
        case "cancel":
            return task.status in ("queued", "submitting", "running")
        case "retry":
            return task.status in lifecycle.TERMINAL
        case "refund":
            return bool(task.captured)
    raise AssertionError(f"there is no {verb!r}")


def _cancel(task: Task, *, by: str, now: datetime) -> str:
    cancel.request(task.id, task.account_id, by=by, now=now)
    is_over = Task.objects.filter(id=task.id, status="canceled").exists()
    return _("canceled.") if is_over else _("asked to cancel; it ends when its upstream has stopped it.")


def _retry(task: Task, *, by: str, now: datetime, key: str | None = None) -> str:
    retry.request(task.id, task.account_id, by=by, key=key, now=now)
    return _("retried as a new task; the timeline names it.")


def _refund(task: Task, *, by: str, now: datetime, note: str) -> str:
    return format_lazy(_("{count} credits refunded."), count=f"{refund.request(task.id, by=by, note=note, now=now):,}")
