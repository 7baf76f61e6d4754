"""The first page, at a glance: is it healthy, what is stuck, what does it earn.

Each panel is a function of one `Reading`; PANELS says in which order they stand, and who sees them. Every query reads a few index
entries, or what hours.py has summed up.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from .. import figures, past
from ..doctor.road import judged
from ..engine.clock import database_clock
from . import panels, tiles
from .reading import Reading

admin.site.index_title = _("Overview")


@dataclass(frozen=True, slots=True)
class Panel:
    """`body` gives HTML, or nothing where there is nothing to say; `columns` of twelve are its width on a desk."""

    title: str
    permission: str
    body: Callable[[Reading], SafeString | str]
    columns: int = 6
    note: str = ""


PANELS = (
    Panel(_("Health"), "tasks_app.view_task", panels.health, columns=12),
    Panel(_("Tasks"), "tasks_app.view_task", panels.tasks, columns=8, note=_("by when they were created")),
    Panel(_("Slots and queues"), "providers.view_provider", panels.slots, columns=4),
    Panel(_("Balances"), "providers.view_provider", panels.balances, columns=12, note=_("of our money at upstreams")),
    Panel(_("Failures"), "tasks_app.view_task", panels.failures, note=_("as clients were told, by provider and code")),
    Panel(_("Times"), "tasks_app.view_task", panels.times, note=_("of the past 24 hours, from accepted to done")),
    Panel(_("Credits"), "accounts.view_ledgerentry", panels.credits, columns=4, note=_("captured")),
    Panel(_("Earnings"), "accounts.view_ledgerentry", panels.earnings, columns=8, note=_("captured, and charged by the upstream")),
)


def add_to(request, context: dict) -> dict:
    """unfold's callback for the first page."""
    days = _days(request)
    reading = read(days)
    shown = [panel for panel in PANELS if request.user.has_perm(panel.permission)]
    bodies = [(panel, panel.body(reading)) for panel in shown]
    periods = [{"days": days, "title": title, "is_shown": days == reading.days} for days, title in PERIODS.items()] if shown else []
    return {
        **context,
        "tiles": tiles.told(request.user, reading),
        "panels": [{"panel": panel, "body": body} for panel, body in bodies if body],
        "periods": periods,
    }


PERIODS = {1: _("24 hours"), **{days: format_lazy(_("{days} days"), days=days) for days in (7, 30)}}


def read(days: int) -> Reading:
    known = figures.read(database_clock)
    lanes = [lag.lane for lag in known.lags if lag.step == "submit" and lag.lane != "submitting"]
    return Reading(days, known, list(judged(known)), figures.waiting(lanes), past.read(now=known.at, days=days))


def _days(request) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked.isdecimal() and int(asked) in PERIODS else 1
