"""What a task's page shows, group by group: each value is told by one function of the task."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display

from accounts.models import LedgerEntry
from providers import directory

from ..engine import aside, lanes
from ..ids import shown
from ..models import Attempt, Flag, Output, Task, TaskEvent
from . import attempt, links
from .pieces import NONE, below_each_other, in_a_row, label, lasted, link, moment, mono, pretty, raw, table, two_lines
from .previews import gallery

STATUS_COLOURS = {
    "queued": "info",
    "submitting": "primary",
    "running": "primary",
    "storing": "primary",
    "succeeded": "success",
    "failed": "danger",
    "expired": "danger",
}
MOST_EVENTS = 200

Groups = list[tuple[str | None, dict]]


def groups(task: Task, *, with_outputs: bool, with_records: bool) -> Groups:
    """In reading order: what it came to, what was asked, how it went, what it cost, and what the engine knows."""
    error = _known(task, "error_code", "error_message", "error_field")
    order = (metadata, end_user, "idempotency_key", retry_of)
    return [
        (None, {"fields": (state, (account, model), ("created_at", "finished_at"), took)}),
        *([(_("Unknown outcomes and losses"), {"fields": (flags,), "classes": ("whole-width",)})] if _has_flags(task) else []),
        *([(_("Error"), {"fields": (*error, "retryable")})] if error else []),
        *([(_("Outputs"), {"fields": (outputs,), "classes": ("whole-width",)})] if with_outputs and task.status == "succeeded" else []),
        (_("What was asked"), {"fields": (asked, *_known(task, *order), "priority")}),
        (_("Timeline"), {"fields": (timeline,), "classes": ("whole-width",)}),
        (_("Attempts"), {"fields": (attempts, *((records,) if with_records and task.attempts else ())), "classes": ("whole-width",)}),
        (_("Credits"), {"fields": (("hold", "captured"), cost_items, *_known(task, used), ledger)}),
        (
            _("In the engine"),
            {"fields": (lane, (due, "deadline_at"), (claim, "lost_claims"), (served_by, "tries"), *_known(task, handle, warnings))},
        ),
    ]


def status_label(status: str) -> str:
    return label(_(status), STATUS_COLOURS.get(status, ""))


@display(description=_("Status"))
def state(task: Task) -> str:
    marks = [status_label(task.status)]
    if task.status == "running":
        marks.append(_("{share} done").format(share=f"{task.progress:.0%}"))
    if task.flagged:
        marks.append(label(_("flagged"), "warning"))
    if task.cancel_requested_at and not task.finished_at:
        marks.append(label(_("asked to cancel"), "warning"))
    return in_a_row(marks)


@display(description=_("Account"))
def account(task: Task) -> str:
    return links.to_account(task.account_id, task.account.name)


@display(description=_("Model"))
def model(task: Task) -> str:
    return two_lines(task.model, task.kind)


@display(description=_("Took"))
def took(task: Task) -> str:
    if task.finished_at:
        return lasted(task.finished_at - task.created_at)
    return _("open for {time}").format(time=lasted(timezone.now() - task.created_at))


def flags(task: Task) -> str:
    found = Flag.objects.filter(task_id=task.id).order_by("id")
    return table(
        (_("Why"), _("Since"), _("State")), [(links.to_flag(flag), moment(flag.raised_at), _(flag.ending or "open")) for flag in found]
    )


def outputs(task: Task) -> str:
    return gallery(Output.objects.filter(task_id=task.id).order_by("position"))


@display(description=_("Input"))
def asked(task: Task) -> str:
    return pretty(task.input)


@display(description=_("Metadata"))
def metadata(task: Task) -> str:
    return pretty(task.metadata)


@display(description=_("End user"))
def end_user(task: Task) -> str:
    """With a link to all that this end user of this account asked for."""
    query = urlencode({"account": task.account_id, "end_user": task.end_user})
    return link(f"{reverse('admin:tasks_app_task_changelist')}?{query}", task.end_user)


@display(description=_("Retry of"))
def retry_of(task: Task) -> str:
    return links.to_task(shown("task", task.retry_of))


def timeline(task: Task) -> str:
    """The newest MOST_EVENTS, from the first on; a task that waited for days may have more."""
    newest = list(TaskEvent.objects.filter(task_id=task.id).order_by("-id")[:MOST_EVENTS])
    rows = [_event_row(task, event) for event in reversed(newest)]
    accepted = (_at(task, task.created_at), _happened("queued", _("accepted")))
    return table((_("When"), _("What")), [accepted, *rows])


def attempts(task: Task) -> str:
    found = list(Attempt.objects.filter(task_id=task.id).prefetch_related("provider").order_by("id").defer(*attempt.RECORD))
    if not found:
        return _("None yet: no upstream was asked.")
    return table([column.short_description for column in attempt.COLUMNS], [[column(one) for column in attempt.COLUMNS] for one in found])


def records(task: Task) -> str:
    """What each attempt sent and heard, below the attempt's token."""
    found = Attempt.objects.filter(task_id=task.id).order_by("id").only("token", *attempt.RECORD)
    return below_each_other(below_each_other((mono(one.token), attempt.record(one))) for one in found)


@display(description=_("Price"))
def cost_items(task: Task) -> str:
    return table((_("What"), _("Credits")), [(_what(item), f"{item.get('credits', 0):,}") for item in task.cost_items])


@display(description=_("Usage, as the upstream told it"))
def used(task: Task) -> str:
    return pretty(task.used)


@display(description=_("Ledger"))
def ledger(task: Task) -> str:
    entries = LedgerEntry.objects.filter(reference=str(task)).order_by("id")
    rows = [(moment(entry.created_at), _(entry.kind), f"{entry.amount:+,}", entry.by or NONE, entry.note or NONE) for entry in entries]
    return table((_("When"), _("Kind"), _("Credits"), _("By"), _("Note")), rows) if rows else NONE


@display(description=_("Lane"))
def lane(task: Task) -> str:
    if task.lane == lanes.parking_lane(task.account_id):
        return _("parked: its account is at its cap")
    if task.lane.startswith(lanes.ASIDE):
        able = {directory.provider(route.provider_id).name for route in aside.ways(task.lane).routes}
        return f"{lanes.working(task.lane)} → {', '.join(sorted(able))}"
    return task.lane or NONE


@display(description=_("Due"))
def due(task: Task) -> str:
    return moment(task.due_at) if task.due_at else _("needs no worker now")


@display(description=_("Claim"))
def claim(task: Task) -> str:
    return _("a worker has it") if task.lease_token else _("no worker has it")


@display(description=_("Provider"))
def served_by(task: Task) -> str:
    if task.provider_id is None:
        return NONE
    return two_lines(links.to_provider(task.provider), _("credentials: version {version}").format(version=task.credential_version or 0))


@display(description=_("Handle"))
def handle(task: Task) -> str:
    return pretty(task.handle)


@display(description=_("Warnings"))
def warnings(task: Task) -> str:
    return "\n".join(task.warnings)


def _what(item: dict[str, Any]) -> str:
    """What it is for; where the price rests on usage, by which terms."""
    if "price" not in item:
        return item.get("what", NONE)
    bounds = ", ".join(_("{name} up to {most}").format(name=name, most=f"{most:,}") for name, most in item["up_to"].items())
    return two_lines(item["what"], _("{price}, with {bounds}").format(price=item["price"], bounds=bounds))


def _has_flags(task: Task) -> bool:
    return Flag.objects.filter(task_id=task.id).exists()


def _known(task: Task, *facts: Any) -> tuple:
    """Those of the facts, columns or functions named as one, that the task has a value for."""
    return tuple(fact for fact in facts if getattr(task, getattr(fact, "__name__", fact)))


def _event_row(task: Task, event: TaskEvent) -> tuple:
    what, more = _told(event.detail)
    return _at(task, event.created_at), _happened(event.status, what, more, by=event.by)


def _happened(status: str, what: str, more: str = "", *, by: str = "") -> str:
    return two_lines(in_a_row((status_label(status), what)), " · ".join(filter(None, (more, by and _("by {name}").format(name=by)))))


def _told(detail: dict[str, Any]) -> tuple[str, str]:
    """What lifecycle.record and its callers wrote, in words: what happened, and more about it."""
    match detail:
        case {"code": code, "message": message}:
            return code, message
        case {"doubts": doubts}:
            return _("usage in doubt"), " ".join(doubts)
        case {"asked": "cancel"}:
            return _("asked to cancel"), ""
        case {"retried_as": other}:
            return in_a_row((_("retried as"), links.to_task(other))), ""
        case {"retry_of": other}:
            return in_a_row((_("retry of"), links.to_task(other))), ""
        case {"refunded": amount, "note": note}:
            return _("{count} credits refunded").format(count=f"{amount:,}"), note
        case {"reason": _}:
            return _told_of_flag(detail)
    return raw(detail) if detail else "", ""


def _told_of_flag(detail: dict[str, Any]) -> tuple[str, str]:
    """What was done about an unknown outcome or a loss."""
    match detail:
        case {"asked": "upstream", "note": note}:
            return _("asked its upstream again"), note
        case {"linked": handle, "note": note}:
            return in_a_row((_("linked to the upstream job"), raw(handle))), note
        case {"lost": charged, "note": note}:
            known = _("nobody knows what") if charged is None else f"{charged:g}"
            return _("marked as lost: the upstream charged {known}").format(known=known), note
        case {"recovered": count}:
            return ngettext(
                "{count} result recovered, kept for the operator", "{count} results recovered, kept for the operator", count
            ).format(count=count), ""
        case {"found": finding}:
            return _("nothing recovered"), finding
    return raw(detail), ""


def _at(task: Task, at: datetime) -> str:
    return two_lines(moment(at), f"+ {lasted(at - task.created_at)}")
