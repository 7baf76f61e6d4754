"""The screen of webhook deliveries: what was sent where, what came back, and once more."""

from datetime import datetime

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action, display

from ..engine import wake
from ..engine.accept import Problem
from ..ids import shown
from ..models import Delivery
from ..webhooks import outbox
from ..webhooks.claims import OPEN
from . import links
from .deeds import do_on_page, do_to
from .endpoint import account, found
from .facts import FactsAdmin, public_id
from .filters import ColumnFilter
from .pieces import NONE, in_a_row, label, link, moment, mono, one_line, pretty_text, two_lines

STATUS_COLOURS = {"pending": "info", "sending": "primary", "delivered": "success", "failed": "danger"}


class StatusFilter(ColumnFilter):
    title, parameter_name = _("status"), "status"

    def lookups(self, request, model_admin):
        return Delivery.Status.choices


@display(description=_("Status"))
def status(delivery: Delivery) -> str:
    tries = one_line(ngettext("{count} try", "{count} tries", delivery.tries).format(count=delivery.tries)) if delivery.tries else ""
    return two_lines(label(_(delivery.status), STATUS_COLOURS[delivery.status]), tries)


@display(description=_("Event"))
def event(delivery: Delivery) -> str:
    return two_lines(delivery.type, links.to_task(shown("task", delivery.task_id)) if delivery.task_id else "")


@display(description=_("To"))
def goes_to(delivery: Delivery) -> str:
    return two_lines(delivery.url, delivery.account.name)


@display(description=_("Answer"))
def answer(delivery: Delivery) -> str:
    """What came back at the last try, or why nothing did."""
    if delivery.tried_at is None:
        return NONE
    came = f"HTTP {delivery.answer_status}" if delivery.answer_status else delivery.reason or NONE
    return two_lines(in_a_row((came, f"· {delivery.took_ms} ms" if delivery.took_ms is not None else "")), delivery.message)


@display(description=_("Tried"))
def tried(delivery: Delivery) -> str:
    return two_lines(moment(delivery.tried_at), one_line(_next(delivery)))


@display(description=_("Endpoint"))
def endpoint(delivery: Delivery) -> str:
    if delivery.endpoint_id is None:
        return str(_("the task's own webhook_url"))
    name = shown("whe", delivery.endpoint_id)
    return link(links.address("webhookendpoint", name), mono(name))


@display(description=_("Payload"))
def payload(delivery: Delivery) -> str:
    return pretty_text(delivery.payload)


@display(description=_("Beginning of the answer"))
def body(delivery: Delivery) -> str:
    return pretty_text(delivery.answer_body) if delivery.answer_body else NONE


@admin.register(Delivery)
class DeliveryAdmin(FactsAdmin):
    prefix = "whd"
    list_display = (public_id, status, event, goes_to, answer, tried)
    list_filter = (StatusFilter,)
    fields = readonly_fields = (status, event, "url", endpoint, account, "created_at", tried, answer, payload, body)
    search_fields = ("id",)  # shows the field; what it finds is said below
    search_help_text = _("Delivery, endpoint, task or account")
    actions = ("replay_selected",)
    actions_detail = ("replay",)

    def has_replay_permission(self, request, obj=None):
        return request.user.has_perm("tasks_app.replay_delivery")

    def get_queryset(self, request):
        rows = super().get_queryset(request).prefetch_related("account")
        return rows if "object_id" in request.resolver_match.kwargs else rows.defer("payload", "answer_body")  # 22 KB of each

    def get_search_results(self, request, queryset, search_term):
        return (found(queryset, search_term.strip()) if search_term.strip() else queryset), False

    def get_actions_detail(self, request, object_id):
        delivery = self.get_object(request, unquote(object_id))
        return super().get_actions_detail(request, object_id) if delivery and delivery.status not in OPEN else []

    @admin.action(description=_("Replay the selected deliveries"), permissions=["replay"])
    def replay_selected(self, request, queryset):
        do_to(self, request, queryset, _replay)

    @action(
        description=_("Replay"),
        permissions=["replay"],
        dialog={
            "title": _("Replay this delivery?"),
            "description": _("It is sent once more, under the same id, with as many tries as the first time."),
            "form_submit_text": _("Replay"),
        },
    )
    def replay(self, request, form, object_id):
        return do_on_page(self, request, object_id, _replay)


def _next(delivery: Delivery) -> str:
    return _("next {time}").format(time=f"{delivery.due_at:%H:%M:%S}") if delivery.status == "pending" and delivery.due_at else ""


def _replay(delivery: Delivery, *, by: str, now: datetime) -> str:
    try:
        outbox.replay(delivery, now=now)
    except outbox.StillOpen:
        raise Problem(409, "not_replayable", "It is still on its way: wait until it is delivered or failed.") from None
    except outbox.EndpointGone:
        raise Problem(409, "not_replayable", "Its endpoint was deleted: there is nobody to send it to.") from None
    wake.wake("notify")
    return _("is sent once more.")
