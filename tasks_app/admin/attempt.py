"""The screen of attempts: each try to submit a task to a provider, newest first. An orphan may be paid for and belongs to no task."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from .. import ids
from ..engine.attempts import INTERRUPTED
from ..ids import shown
from ..models import Attempt
from . import filters, links
from .facts import FactsAdmin
from .pieces import NONE, below_each_other, folded, in_a_row, label, lasted, moment, mono, pretty, raw, two_lines

RECORD = ("request", "answer", "ending")  # up to 15 kB of each
BOUGHT = ("accepted", "finished")  # what an attempt came to where the upstream took it


@display(description=_("Provider"))
def provider(attempt: Attempt) -> str:
    return links.to_provider(attempt.provider)


@display(description=_("Asked"))
def asked(attempt: Attempt) -> str:
    answered = (
        _("answered after {time}").format(time=lasted(attempt.landed_at - attempt.intended_at)) if attempt.landed_at else _("no answer yet")
    )
    return two_lines(moment(attempt.intended_at), answered)


@display(description=_("Outcome"))
def outcome(attempt: Attempt) -> str:
    marks = [label(attempt.outcome, "success" if attempt.outcome in BOUGHT else "warning")] if attempt.outcome else []
    if attempt.late_outcome == INTERRUPTED:
        marks.append(label(INTERRUPTED, "warning"))
    if attempt.is_orphan:
        marks.append(label(_("orphan"), "danger"))
    return two_lines(in_a_row(marks) or NONE, attempt.message)


@display(description=_("Upstream cost"))
def cost(attempt: Attempt) -> str:
    return NONE if attempt.upstream_cost is None else f"{attempt.upstream_cost:g}"


@display(description=_("Token and handle"))
def token(attempt: Attempt) -> str:
    """The token is ours, the handle the upstream's."""
    return two_lines(mono(attempt.token), raw(attempt.handle) if attempt.handle else "")


@display(description=_("Task"))
def task(attempt: Attempt) -> str:
    return links.to_task(shown("task", attempt.task_id))


@display(description=_("Handle"))
def handle(attempt: Attempt) -> str:
    return pretty(attempt.handle) if attempt.handle else NONE


@display(description=_("Request and answer"))
def record(attempt: Attempt) -> str:
    """What was sent and what came back, as exchange.py keeps it: without secrets, and no more than its beginning."""
    told = ((_("Request"), attempt.request), (_("Answer"), attempt.answer), (_("Answer that ended the task"), attempt.ending))
    return below_each_other(folded(title, text) for title, text in told if text) if any(text for _, text in told) else NONE


COLUMNS = (provider, asked, outcome, cost, token)


@admin.register(Attempt)
class AttemptAdmin(FactsAdmin):
    list_display = (token, provider, asked, outcome, cost)
    list_filter = ("is_orphan", filters.ProviderFilter)
    fields = readonly_fields = (task, "token", provider, "route", "intended_at", "landed_at", outcome, cost, handle, record)
    search_fields = ("id",)  # shows the field; what it finds is said below
    search_help_text = _("Token or task")

    def get_queryset(self, request):
        rows = super().get_queryset(request).prefetch_related("provider")
        return rows if "object_id" in request.resolver_match.kwargs else rows.defer(*RECORD)

    def get_search_results(self, request, queryset, search_term):
        term = search_term.strip()
        if task := ids.parse("task", term):
            return queryset.filter(task_id=task), False
        return (queryset.filter(token=term) if term else queryset), False
