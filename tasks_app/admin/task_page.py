"""What a task's page shows, group by group: each value is told by one function of the task."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from unfold.decorators import display

from accounts.models import LedgerEntry

from ..engine import lanes
from ..ids import shown
from ..models import Attempt, Flag, Output, Task, TaskEvent
from . import attempt, links
from .pieces import NONE, in_a_row, label, lasted, link, moment, pretty, raw, table, two_lines
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


def groups(task: Task, *, with_outputs: bool) -> Groups:
    """In reading order: what it came to, what was asked, how it went, what it cost, and what the engine knows."""
    error = _known(task, "error_code", "error_message", "error_field")
    order = (metadata, end_user, "idempotency_key", retry_of)
    return [
        (None, {"fields": (state, (account, model), ("created_at", "finished_at"), took)}),
        *([("Unknown outcomes and losses", {"fields": (flags,), "classes": ("whole-width",)})] if _has_flags(task) else []),
        *([("Error", {"fields": (*error, "retryable")})] if error else []),
        *([("Outputs", {"fields": (outputs,), "classes": ("whole-width",)})] if with_outputs and task.status == "succeeded" else []),
        ("What was asked", {"fields": (asked, *_known(task, *order), "priority")}),
        ("Timeline", {"fields": (timeline,), "classes": ("whole-width",)}),
        ("Attempts", {"fields": (attempts,), "classes": ("whole-width",)}),
        ("Credits", {"fields": (("hold", "captured"), cost_items, *_known(task, used), ledger)}),
        (
            "In the engine",
            {"fields": (lane, (due, "deadline_at"), (claim, "lost_claims"), (served_by, "tries"), *_known(task, handle, warnings))},
        ),
    ]


def status_label(status: str) -> str:
    return label(status, STATUS_COLOURS.get(status, ""))


@display(description="Status")
def state(task: Task) -> str:
    marks = [status_label(task.status)]
    if task.status == "running":
        marks.append(f"{task.progress:.0%} done")
    if task.flagged:
        marks.append(label("flagged", "warning"))
    if task.cancel_requested_at and not task.finished_at:
        marks.append(label("asked to cancel", "warning"))
    return in_a_row(marks)


@display(description="Account")
def account(task: Task) -> str:
    return links.to_account(task.account_id, task.account.name)


@display(description="Model")
def model(task: Task) -> str:
    return two_lines(task.model, task.kind)


@display(description="Took")
def took(task: Task) -> str:
    return lasted(task.finished_at - task.created_at) if task.finished_at else f"open for {lasted(timezone.now() - task.created_at)}"


def flags(task: Task) -> str:
    found = Flag.objects.filter(task_id=task.id).order_by("id")
    return table(("Why", "Since", "State"), [(links.to_flag(flag), moment(flag.raised_at), flag.ending or "open") for flag in found])


def outputs(task: Task) -> str:
    return gallery(Output.objects.filter(task_id=task.id).order_by("position"))


@display(description="Input")
def asked(task: Task) -> str:
    return pretty(task.input)


@display(description="Metadata")
def metadata(task: Task) -> str:
    return pretty(task.metadata)


@display(description="End user")
def end_user(task: Task) -> str:
    """With a link to all that this end user of this account asked for."""
    query = urlencode({"account": task.account_id, "end_user": task.end_user})
    return link(f"{reverse('admin:tasks_app_task_changelist')}?{query}", task.end_user)


@display(description="Retry of")
def retry_of(task: Task) -> str:
    return links.to_task(shown("task", task.retry_of))


def timeline(task: Task) -> str:
    """The newest MOST_EVENTS, from the first on; a task that waited for days may have more."""
    newest = list(TaskEvent.objects.filter(task_id=task.id).order_by("-id")[:MOST_EVENTS])
    rows = [_event_row(task, event) for event in reversed(newest)]
    accepted = (_at(task, task.created_at), _happened("queued", "accepted"))
    return table(("When", "What"), [accepted, *rows])


def attempts(task: Task) -> str:
    found = list(Attempt.objects.filter(task_id=task.id).prefetch_related("provider").order_by("id"))
    if not found:
        return "None yet: no upstream was asked."
    return table([column.short_description for column in attempt.COLUMNS], [[column(one) for column in attempt.COLUMNS] for one in found])


@display(description="Price")
def cost_items(task: Task) -> str:
    return table(("What", "Credits"), [(_what(item), f"{item.get('credits', 0):,}") for item in task.cost_items])


@display(description="Usage, as the upstream told it")
def used(task: Task) -> str:
    return pretty(task.used)


@display(description="Ledger")
def ledger(task: Task) -> str:
    entries = LedgerEntry.objects.filter(reference=str(task)).order_by("id")
    rows = [(moment(entry.created_at), entry.kind, f"{entry.amount:+,}", entry.by or NONE, entry.note or NONE) for entry in entries]
    return table(("When", "Kind", "Credits", "By", "Note"), rows) if rows else NONE


@display(description="Lane")
def lane(task: Task) -> str:
    return "parked: its account is at its cap" if task.lane == lanes.parking_lane(task.account_id) else task.lane or NONE


@display(description="Due")
def due(task: Task) -> str:
    return moment(task.due_at) if task.due_at else "needs no worker now"


@display(description="Claim")
def claim(task: Task) -> str:
    return "a worker has it" if task.lease_token else "no worker has it"


@display(description="Provider")
def served_by(task: Task) -> str:
    if task.provider_id is None:
        return NONE
    return two_lines(links.to_provider(task.provider), f"credentials: version {task.credential_version or 0}")


@display(description="Handle")
def handle(task: Task) -> str:
    return pretty(task.handle)


@display(description="Warnings")
def warnings(task: Task) -> str:
    return "\n".join(task.warnings)


def _what(item: dict[str, Any]) -> str:
    """What it is for; where the price rests on usage, by which terms."""
    if "price" not in item:
        return item.get("what", NONE)
    bounds = ", ".join(f"{name} up to {most:,}" for name, most in item["up_to"].items())
    return two_lines(item["what"], f"{item['price']}, with {bounds}")


def _has_flags(task: Task) -> bool:
    return Flag.objects.filter(task_id=task.id).exists()


def _known(task: Task, *facts: Any) -> tuple:
    """Those of the facts, columns or functions named as one, that the task has a value for."""
    return tuple(fact for fact in facts if getattr(task, getattr(fact, "__name__", fact)))


def _event_row(task: Task, event: TaskEvent) -> tuple:
    what, more = _told(event.detail)
    return _at(task, event.created_at), _happened(event.status, what, more, by=event.by)


def _happened(status: str, what: str, more: str = "", *, by: str = "") -> str:
    return two_lines(in_a_row((status_label(status), what)), " · ".join(filter(None, (more, by and f"by {by}"))))


def _told(detail: dict[str, Any]) -> tuple[str, str]:
    """What lifecycle.record and its callers wrote, in words: what happened, and more about it."""
    match detail:
        case {"code": code, "message": message}:
            return code, message
        case {"doubts": doubts}:
            return "usage in doubt", " ".join(doubts)
        case {"asked": "cancel"}:
            return "asked to cancel", ""
        case {"retried_as": other}:
            return in_a_row(("retried as", links.to_task(other))), ""
        case {"retry_of": other}:
            return in_a_row(("retry of", links.to_task(other))), ""
        case {"refunded": amount, "note": note}:
            return f"{amount:,} credits refunded", note
        case {"reason": _}:
            return _told_of_flag(detail)
    return raw(detail) if detail else "", ""


def _told_of_flag(detail: dict[str, Any]) -> tuple[str, str]:
    """What was done about an unknown outcome or a loss."""
    match detail:
        case {"asked": "upstream", "note": note}:
            return "asked its upstream again", note
        case {"linked": handle, "note": note}:
            return in_a_row(("linked to the upstream job", raw(handle))), note
        case {"lost": charged, "note": note}:
            return f"marked as lost: the upstream charged {'nobody knows what' if charged is None else f'{charged:g}'}", note
        case {"recovered": count}:
            return f"{count} result{'' if count == 1 else 's'} recovered, kept for the operator", ""
        case {"found": finding}:
            return "nothing recovered", finding
    return raw(detail), ""


def _at(task: Task, at: datetime) -> str:
    return two_lines(moment(at), f"+ {lasted(at - task.created_at)}")
