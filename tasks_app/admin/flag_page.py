"""What is told of a flag, in its list and on its page: each value by one function. `with_surroundings` reads what they need at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import LedgerEntry

from ..engine.attempts import OPEN
from ..engine.questions import of_flag
from ..engine.reasons import reason
from ..engine.recover import NEVER_BOUGHT
from ..ids import shown
from ..models import Attempt, Flag, Output, Task
from . import attempt as attempts
from . import links, previews, task_page
from .pieces import NONE, in_a_row, label, lasted, moment, mono, one_line, pretty, raw, two_lines

FREE = {"stopped": _("It was stopped there, for free."), "not_found": NEVER_BOUGHT}  # late outcomes that cost nothing
ENDING_COLOURS = {"linked": "success", "recovered": "success", "lost": "danger", "refunded": "success"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What belongs to a flag in other tables; None for what was deleted."""

    task: Task | None
    attempt: Attempt | None
    refunded: int


def with_surroundings(flags: Iterable[Flag]) -> list[Flag]:
    """The flags, each with its `around`: a query for each table, however many flags."""
    flags = list(flags)
    tasks = Task.objects.defer("input", "metadata").in_bulk([flag.task_id for flag in flags])
    tried = {one.token: one for one in Attempt.objects.filter(token__in=[flag.token for flag in flags]).prefetch_related("provider")}
    names = [shown("task", flag.task_id) for flag in flags]
    refunds = dict(LedgerEntry.objects.filter(reference__in=names, kind=LedgerEntry.Kind.REFUND).values_list("reference", "amount"))
    for flag, name in zip(flags, names, strict=True):
        flag.around = Surroundings(tasks.get(flag.task_id), tried.get(flag.token), refunds.get(name, 0))
    return flags


def groups(flag: Flag, *, with_outputs: bool) -> list[tuple[str | None, dict]]:
    """In reading order: why, and what to do; whose it is; the money; what the upstream knows; how it ended."""
    task, tried = flag.around.task, flag.around.attempt
    upstreams = (provider, token, *([submitted, answer] if tried else []), *([became] if _late_outcome(flag) else []), handle)
    return [
        (None, {"fields": (why, happened, *([next_step] if not flag.ending else []), since)}),
        *([(_("How it ended"), {"fields": (ended, *(["note"] if flag.note else []))})] if flag.ending else []),
        *([(_("What was recovered"), {"fields": (recovered,), "classes": ("whole-width",)})] if with_outputs and flag.kept else []),
        (_("Whose it is"), {"fields": (task_link, account, "model")}),
        (_("Money"), {"fields": (client, upstream)}),
        (_("At the upstream"), {"fields": (*upstreams, *([finding] if flag.finding else []))}),
        *([(_("Timeline of the task"), {"fields": (timeline,), "classes": ("whole-width",)})] if task else []),
    ]


@display(description=_("Why"))
def why(flag: Flag) -> str:
    marks = [label(_(reason(flag.reason).title), "" if flag.ending else "warning")]
    if flag.ending:
        marks.append(label(_(flag.ending), ENDING_COLOURS.get(flag.ending, "")))
    elif flag.due_at:
        marks.append(label(_("being asked"), "info"))
    return in_a_row(marks)


@display(description=_("Task"))
def task(flag: Flag) -> str:
    return two_lines(mono(shown("task", flag.task_id)), flag.model)


@display(description=_("Since"))
def since(flag: Flag) -> str:
    return two_lines(moment(flag.raised_at), one_line(_("{time} ago").format(time=lasted(timezone.now() - flag.raised_at))))


@display(description=_("Provider"))
def whose(flag: Flag) -> str:
    """With the account that asked."""
    return two_lines(flag.provider.name if flag.provider else NONE, flag.account.name)


@display(description=_("Client paid"))
def client(flag: Flag) -> str:
    """And what it was given back."""
    task, refunded = flag.around.task, flag.around.refunded
    if task is None:
        return two_lines(NONE, _("deleted the task"))
    if task.captured is None:
        return two_lines(_("nothing yet"), one_line(_("{count} held").format(count=f"{task.hold:,}")))
    back = task.hold - task.captured + refunded
    return two_lines(f"{task.captured - refunded:,}", one_line(_("{count} given back").format(count=f"{back:,}")))


@display(description=_("Upstream charged"))
def upstream(flag: Flag) -> str:
    """As far as anybody knows; and its name for the job."""
    charged, known = _charged(flag), _handle(flag)
    return two_lines(_("unknown") if charged is None else f"{charged:g}", raw(known) if known else "")


@display(description=_("What to do"))
def next_step(flag: Flag) -> str:
    if flag.ending:
        return two_lines(
            _("nothing more: {ending}").format(ending=_(flag.ending)), flag.ended_by and _("by {name}").format(name=flag.ended_by)
        )
    if flag.due_at:
        return two_lines(_("Wait: its upstream is being asked."), _("Its result will be kept here."))
    if flag.kept:
        return two_lines(_("Look at what was made, then mark this as lost."), _("Its result is kept here."))
    if flag.finding == NEVER_BOUGHT or _late_outcome(flag) in FREE:
        return two_lines(_("Mark this as lost, with 0."), flag.finding or FREE[_late_outcome(flag)])
    return two_lines(_(reason(flag.reason).next), flag.finding)


@display(description=_("What happened"))
def happened(flag: Flag) -> str:
    return _(reason(flag.reason).happened)


@display(description=_("Task"))
def task_link(flag: Flag) -> str:
    task = flag.around.task
    name = shown("task", flag.task_id)
    return in_a_row((links.to_task(name), task_page.status_label(task.status))) if task else two_lines(mono(name), _("deleted"))


@display(description=_("Account"))
def account(flag: Flag) -> str:
    return links.to_account(flag.account_id, flag.account.name)


@display(description=_("Provider"))
def provider(flag: Flag) -> str:
    return links.to_provider(flag.provider) if flag.provider else NONE


@display(description=_("Our token"))
def token(flag: Flag) -> str:
    return mono(flag.token)


@display(description=_("Answer to the submit"))
def answer(flag: Flag) -> str:
    return attempts.outcome(flag.around.attempt)


@display(description=_("Submitted"))
def submitted(flag: Flag) -> str:
    return attempts.asked(flag.around.attempt)


@display(description=_("What became of it"))
def became(flag: Flag) -> str:
    """Where it was asked about, or heard of, after its task had gone on without it."""
    tried = flag.around.attempt
    is_open = tried.late_outcome == OPEN
    return two_lines(label(_("not known yet") if is_open else tried.late_outcome), "" if is_open else moment(tried.late_at))


@display(description=_("Handle"))
def handle(flag: Flag) -> str:
    known = _handle(flag)
    return pretty(known) if known else _("not known")


@display(description=_("When last asked"))
def finding(flag: Flag) -> str:
    return two_lines(flag.finding, _("asked by {name}").format(name=flag.asked_by) if flag.asked_by else "")


@display(description=_("How"))
def ended(flag: Flag) -> str:
    by = _("by {name}").format(name=flag.ended_by) if flag.ended_by else _("by the engine itself")
    return in_a_row((label(_(flag.ending), ENDING_COLOURS.get(flag.ending, "")), moment(flag.ended_at), by))


def recovered(flag: Flag) -> str:
    return previews.figures(_figure(flag, position, output) for position, output in enumerate(kept(flag)))


def timeline(flag: Flag) -> str:
    return task_page.timeline(flag.around.task)


def kept(flag: Flag) -> list[Output]:
    """What was recovered, as outputs that belong to no task."""
    return [Output(position=position, **one) for position, one in enumerate(flag.kept)]


def _figure(flag: Flag, position: int, output: Output) -> dict:
    url = reverse("admin:tasks_app_flag_kept", args=[flag.id, position])
    thumbnail = f"{url}?thumbnail" if output.thumbnail_key else ""
    return previews.figure(output, name=_("result {number}").format(number=position + 1), url=url, thumbnail=thumbnail)


def _late_outcome(flag: Flag) -> str:
    return flag.around.attempt.late_outcome if flag.around.attempt else ""


def _charged(flag: Flag) -> float | None:
    tried = flag.around.attempt
    return flag.charged if flag.charged is not None else tried and tried.upstream_cost


def _handle(flag: Flag) -> Any:
    tried = flag.around.attempt
    return flag.handle if flag.handle is not None else tried and tried.handle


def can_be_asked(flag: Flag) -> bool:
    question = of_flag(flag)
    return question is not None and (bool(question.found) or question.can_be_put)
