"""The screen of unknown outcomes and losses: why each is one, what it cost whom, and what an operator may do about it."""

from datetime import datetime
from functools import partial

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.http import Http404
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from .. import content, ids
from ..engine import ask_again, link, loss, refund
from ..ids import shown
from ..models import Attempt, Flag
from . import flag_filters, flag_page, previews
from .deeds import do_on_page
from .facts import FactsAdmin
from .filters import ProviderFilter


class Flagged(ChangeList):
    """Each row with what belongs to it in other tables."""

    def get_results(self, request):
        super().get_results(request)
        self.result_list = flag_page.with_surroundings(self.result_list)


class Dialog(BaseDialogForm):
    """Says of this very flag what will happen, and wants a reason."""

    note = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget, help_text=_("Why; it stays in the task's timeline."))

    def render_before_template(self) -> SafeString:
        flag = Flag.objects.filter(id=self.object_id).first()
        return format_html('<p class="mb-4">{}</p>', self.what_will_happen(*flag_page.with_surroundings([flag]))) if flag else ""

    def what_will_happen(self, flag: Flag) -> str:
        raise NotImplementedError


class LinkForm(Dialog):
    job = forms.CharField(
        max_length=2000, widget=UnfoldAdminTextInputWidget, help_text=_("Its id in the provider's console, or its handle as JSON.")
    )
    field_order = ("job", "note")

    def what_will_happen(self, flag: Flag) -> str:
        asked = _("{provider} is asked whether it has the job.").format(provider=_provider(flag))
        if link.runs_on(flag, flag.around.task):
            then = _("Then {task} goes on with it, as if its submit had been answered.")
            return f"{asked} {then.format(task=shown('task', flag.task_id))}"
        return f"{asked} {_fate_of_the_task(flag)} {_('What the job made is fetched and kept here.')}"


class AskForm(Dialog):
    def what_will_happen(self, flag: Flag) -> str:
        asked = _("{provider} is asked what became of {token}. Nothing is submitted, so nothing can be bought.")
        kept = _("A result is fetched and kept here.")
        return f"{asked.format(provider=_provider(flag), token=flag.token)} {_fate_of_the_task(flag)} {kept}"


class LostForm(Dialog):
    charged = forms.FloatField(
        required=False,
        min_value=0,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("What the upstream charged, in its own currency. 0: nothing was bought. Empty: nobody knows."),
    )
    field_order = ("charged", "note")

    def what_will_happen(self, flag: Flag) -> str:
        return f"{_('This is closed as a loss, and nobody asks the upstream any more.')} {_fate_of_the_task(flag)}"


class RefundForm(Dialog):
    def what_will_happen(self, flag: Flag) -> str:
        task = flag.around.task
        back = _("{count} credits go back to {account}, once. What is flagged of the task is closed.")
        return back.format(count=f"{task.captured if task else 0:,}", account=flag.account.name)


def _provider(flag: Flag) -> str:
    return flag.provider.name if flag.provider else str(_("The provider"))


def _fate_of_the_task(flag: Flag) -> str:
    task = flag.around.task
    if task is None:
        return str(_("Its task was deleted by its client."))
    if task.finished_at:
        back = task.hold - task.captured
        stays = (
            _("{task} stays {status}, as its client was told; {count} credits went back.")
            if back
            else _("{task} stays {status}, as its client was told.")
        )
        return stays.format(task=shown("task", task.id), status=_(task.status), count=f"{back:,}")
    return _("{task} is {status}, and goes on.").format(task=shown("task", task.id), status=_(task.status))


@admin.register(Flag)
class FlagAdmin(FactsAdmin):
    list_display = (
        flag_page.task,
        flag_page.why,
        flag_page.since,
        flag_page.whose,
        flag_page.client,
        flag_page.upstream,
        flag_page.next_step,
    )
    list_filter = (flag_filters.StateFilter, flag_filters.ReasonFilter, ProviderFilter, flag_filters.AgeFilter)
    search_fields = ("id",)  # shows the field; what it finds is said below
    search_help_text = _("Task, our token, or part of the upstream's handle")
    actions_detail = ("link", "ask", "lose", "refund")

    def has_link_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.link_flag")

    def has_ask_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.ask_flag")

    def has_lose_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.lose_flag")

    def has_refund_permission(self, request, obj=None):
        """As on a task's own page."""
        return request.user.has_perm("tasks_app.refund_task")

    def get_changelist(self, request, **kwargs):
        return Flagged

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("account", "provider")

    def get_object(self, request, object_id, from_field=None):
        flag = super().get_object(request, object_id, from_field)
        return flag and flag_page.with_surroundings([flag])[0]

    def get_search_results(self, request, queryset, search_term):
        return (queryset.filter(matching(search_term.strip())) if search_term.strip() else queryset), False

    def get_fieldsets(self, request, obj=None):
        return flag_page.groups(obj, with_outputs=request.user.has_perm("tasks_app.view_output"))

    def get_urls(self):
        kept = self.admin_site.admin_view(require_safe(self.send_kept), cacheable=True)
        return [path("<int:flag_id>/kept/<int:position>/", kept, name="tasks_app_flag_kept"), *super().get_urls()]

    def send_kept(self, request, flag_id: int, position: int):
        """One recovered result, or its thumbnail, to whoever may see outputs."""
        if not (self.has_view_permission(request) and request.user.has_perm("tasks_app.view_output")):
            raise PermissionDenied
        flag = Flag.objects.filter(id=flag_id).first()
        if flag is None or position >= len(flag.kept):
            raise Http404
        output = flag_page.kept(flag)[position]
        return previews.send(request, content.of_thumbnail(output) if "thumbnail" in request.GET else content.of_output(output))

    def get_actions_detail(self, request, object_id):
        """Those that make sense now; the engine has the last word all the same."""
        flag = self.get_object(request, unquote(object_id))
        return [one for one in super().get_actions_detail(request, object_id) if flag and _is_possible(one.path, flag)]

    @action(
        description=_("Link to its upstream job"),
        permissions=["link"],
        dialog={"title": _("Link this to the job in the provider's console?"), "form_class": LinkForm, "form_submit_text": _("Link")},
    )
    def link(self, request, form, object_id):
        return do_on_page(self, request, object_id, partial(_link, job=form.cleaned_data["job"]), note=form.cleaned_data["note"])

    @action(
        description=_("Ask the upstream again"),
        permissions=["ask"],
        dialog={"title": _("Ask the upstream again?"), "form_class": AskForm, "form_submit_text": _("Ask")},
    )
    def ask(self, request, form, object_id):
        return do_on_page(self, request, object_id, _ask, note=form.cleaned_data["note"])

    @action(
        description=_("Mark as lost"),
        permissions=["lose"],
        dialog={"title": _("Mark this as lost?"), "form_class": LostForm, "form_submit_text": _("Yes, it is lost")},
    )
    def lose(self, request, form, object_id):
        return do_on_page(self, request, object_id, partial(_lose, charged=form.cleaned_data["charged"]), note=form.cleaned_data["note"])

    @action(
        description=_("Refund"),
        permissions=["refund"],
        dialog={"title": _("Refund the task?"), "form_class": RefundForm, "form_submit_text": _("Refund")},
    )
    def refund(self, request, form, object_id):
        return do_on_page(self, request, object_id, _refund, note=form.cleaned_data["note"])


def matching(text: str) -> Q:
    """The flags that `text` means: a task, the token of an attempt, or else a part of a handle that an upstream or an operator gave."""
    if task := ids.parse("task", text):
        return Q(task_id=task)
    if ids.parse("task", text.partition("-")[0]):
        return Q(token=text)
    written = Cast("handle", TextField())
    attempts = Attempt.objects.filter(token__in=Flag.objects.values("token")).annotate(written=written).filter(written__contains=text)
    flags = Flag.objects.annotate(written=written).filter(written__contains=text)
    return Q(id__in=list(flags.values_list("id", flat=True))) | Q(token__in=list(attempts.values_list("token", flat=True)))


def _is_possible(verb: str, flag: Flag) -> bool:
    match verb:
        case "lose":
            return not flag.ending
        case "link":
            return not flag.ending and flag.reason != "usage_unknown"
        case "ask":
            return not flag.ending and not flag.due_at and flag.reason != "usage_unknown" and flag_page.can_be_asked(flag)
        case "refund":
            return bool(flag.around.task and flag.around.task.captured and not flag.around.refunded)
    raise AssertionError(f"there is no {verb!r}")


def _link(flag: Flag, *, by: str, now: datetime, job: str, note: str) -> str:
    if link.request(flag.id, job, by=by, note=note, now=now) == "running":
        return _("linked; its task goes on with the job.")
    return _("linked; the upstream is asked for the result, which will be kept here.")


def _ask(flag: Flag, *, by: str, now: datetime, note: str) -> str:
    ask_again.request(flag.id, by=by, note=note, now=now)
    return _("the upstream is asked again; its result will be kept here.")


def _lose(flag: Flag, *, by: str, now: datetime, charged: float | None, note: str) -> str:
    loss.request(flag.id, charged=charged, by=by, note=note, now=now)
    if charged is None:
        return _("marked as lost: nobody knows what it cost.")
    return format_lazy(_("marked as lost: it cost {cost}."), cost=f"{charged:g}") if charged else _("marked as lost: it cost nothing.")


def _refund(flag: Flag, *, by: str, now: datetime, note: str) -> str:
    return format_lazy(_("{count} credits refunded."), count=f"{refund.request(flag.task_id, by=by, note=note, now=now):,}")
