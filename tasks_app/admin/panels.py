"""The first page's panels: each tells one thing of a Reading."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from providers.charts import Bar, columns, meter
from providers.health import is_low
from providers.models import Provider

from ..doctor.verdict import Verdict
from ..engine import aside
from ..figures import MOST_IN_LANE, Slots
from ..past import Earned, Failure, Slice
from . import links
from .pieces import NONE, label, lasted, link, one_line, two_lines
from .reading import Reading

LEVEL_COLOURS = {"ok": "success", "warn": "warning", "fail": "danger"}
OUTCOMES = ("succeeded", "failed", "expired", "canceled", "open")  # from the ground up
MOST_ROWS = 10


def health(reading: Reading) -> SafeString | str:
    """What the doctor finds on the road; where all is well, that it is."""
    found = [one for one in reading.verdicts if one.level != "ok"]
    if not found:
        parts = ", ".join(dict.fromkeys(_(one.check) for one in reading.verdicts))
        return two_lines(label(_("All is well"), "success"), _("Looked at: %(parts)s.") % {"parts": parts})
    findings = [_verdict(one) for one in sorted(found, key=lambda one: one.level == "warn")]
    return render_to_string("tasks_app/admin/findings.html", {"findings": findings})


def tasks(reading: Reading) -> SafeString:
    outcomes = reading.past.outcomes
    names = {word: f"{_(word)} {outcomes[word]:,}" for word in OUTCOMES if outcomes[word]}
    bars = [
        Bar(_at(one, reading), _bar_title(one, reading), {word: one.outcomes[word] for word in OUTCOMES}) for one in reading.past.slices
    ]
    total = ngettext("%(count)s task", "%(count)s tasks", outcomes.total()) % {"count": f"{outcomes.total():,}"}
    return columns(bars, describes=", ".join([total, *names.values()]), legend=names)


def slots(reading: Reading) -> SafeString:
    """Of each enabled provider, and of one that still has jobs: what is open there, and what waits for it."""
    enabled = {one.name for one in reading.now.providers if one.is_enabled}
    shown = [one for one in reading.now.slots if one.provider in enabled or one.open]
    return _rows((_("Provider"), _("Jobs"), _("Queued")), [_slots(one, reading) for one in shown], words=2) if shown else _nothing()


def balances(reading: Reading) -> SafeString | str:
    """What is left of our money at each provider that tells; nothing where none does."""
    telling = [one for one in reading.now.providers if one.is_enabled and one.balance is not None]
    return _rows((_("Provider"), _("Left"), _("Enough for")), [_balance(one) for one in telling], words=1) if telling else ""


def failures(reading: Reading) -> SafeString:
    rows = [_failure(one, reading) for one in reading.past.failures[:MOST_ROWS]]
    return _rows((_("Provider"), _("Error"), _("Tasks")), rows, words=2) if rows else _nothing(_("No task failed."))


def times(reading: Reading) -> SafeString:
    rows = [(one.model, f"{one.tasks:,}", _seconds(one.median_s), _seconds(one.p95_s)) for one in reading.past.waits[:MOST_ROWS]]
    return _rows((_("Model"), _("Tasks"), _("Median"), "P95"), rows) if rows else _nothing(_("No task succeeded."))


def credits(reading: Reading) -> SafeString:
    captured = _("%(count)s credits captured") % {"count": f"{reading.past.captured:,}"}
    bars = [Bar(_at(one, reading), f"{_at(one, reading)}: {one.captured:,}", {"captured": one.captured}) for one in reading.past.slices]
    return columns(bars, describes=captured, legend={"captured": captured})


def earnings(reading: Reading) -> SafeString:
    """By model and provider. The margin is told where the provider says what its unit is worth, and of all that is known."""
    earned = reading.past.earned
    if not earned:
        return _nothing(_("Nothing was captured."))
    heads = (_("Model"), _("Tasks"), _("Captured"), _("Charged"), _("Margin"))
    return _rows(heads, [_earned(one, reading) for one in earned[:MOST_ROWS]])


def _rows(heads: Sequence[str], rows: Sequence[tuple], *, words: int = 1) -> SafeString:
    """A table whose first columns are `words`, and numbers the rest."""
    return render_to_string("tasks_app/admin/rows.html", {"heads": heads, "rows": rows, "words": words})


def _verdict(one: Verdict) -> dict:
    return {"mark": label(_(one.check), LEVEL_COLOURS[one.level]), "finding": one.figure, "remedy": one.remedy}


def _slots(one: Slots, reading: Reading) -> tuple:
    provider = next((row for row in reading.now.providers if row.name == one.provider), None)
    cap = _("no cap") if one.cap is None else _("of %(cap)s") % {"cap": f"{one.cap:,}"}
    name = links.to_provider(provider) if provider else one.provider
    return name, format_html("{} {} {}", f"{one.open:,}", cap, meter(one.open, one.cap)), _queued(one.provider, reading)


def _queued(provider: str, reading: Reading) -> str:
    """Tasks of the models that it serves; one that another serves too counts at both."""
    ids = {one.id for one in reading.now.providers if one.name == provider}
    lanes = [lane for lane in reading.waiting if ids & {route.provider_id for route in aside.ways(lane).routes}]
    more = "+" if any(reading.waiting[lane] >= MOST_IN_LANE for lane in lanes) else ""
    return f"{sum(reading.waiting[lane] for lane in lanes):,}{more}"


def _balance(one: Provider) -> tuple:
    left = two_lines(f"{one.balance:,.10g} {one.balance_unit}", f"{one.balance_at:%Y-%m-%d %H:%M} UTC")
    if one.balance_days is None:
        return links.to_provider(one), left, NONE
    days = _("%(days)s days") % {"days": f"{one.balance_days:.1f}"}
    return links.to_provider(one), left, format_html('<span class="alarming-text">{}</span>', days) if is_low(one.balance_days) else days


def _failure(one: Failure, reading: Reading) -> tuple:
    query = f"?status=failed&provider={one.provider_id}" if one.provider_id else "?status=failed"
    count = link(f"{reverse('admin:tasks_app_task_changelist')}{query}", f"{one.tasks:,}")
    return _provider(one.provider_id, reading), one.code or NONE, count


def _earned(one: Earned, reading: Reading) -> tuple:
    known = one.charged_tasks and _("told of %(known)s of %(tasks)s") % {"known": f"{one.charged_tasks:,}", "tasks": f"{one.tasks:,}"}
    charged = two_lines(f"{one.charged:,.2f}", known if one.charged_tasks < one.tasks else "") if known else NONE
    return two_lines(one.model, _provider(one.provider_id, reading)), f"{one.tasks:,}", f"{one.captured:,}", charged, _margin(one, reading)


def _margin(one: Earned, reading: Reading) -> SafeString | str:
    provider = reading.provider(one.provider_id)
    if provider is None or provider.unit_credits is None or not one.charged_tasks:
        return NONE
    left = one.captured - one.charged * provider.unit_credits
    share = f"{left / one.captured:.0%}" if one.captured else ""
    return (
        two_lines(f"{left:,.0f}", share)
        if left >= 0
        else format_html('<span class="alarming-text">{}</span>', two_lines(f"{left:,.0f}", share))
    )


def _provider(id: int, reading: Reading) -> SafeString | str:
    provider = reading.provider(id)
    return links.to_provider(provider) if provider else NONE


def _seconds(seconds: float) -> SafeString:
    return one_line(lasted(timedelta(seconds=seconds)))


def _at(one: Slice, reading: Reading) -> str:
    return f"{one.at:%H:%M}" if reading.days == 1 else f"{one.at:%m-%d}"


def _bar_title(one: Slice, reading: Reading) -> str:
    counted: Iterable[str] = (f"{_(word)} {one.outcomes[word]:,}" for word in OUTCOMES if one.outcomes[word])
    return f"{_at(one, reading)}: {', '.join(counted) or '0'}"


def _nothing(text: str = "") -> SafeString:
    return format_html('<p class="text-subtle">{}</p>', text or NONE)
