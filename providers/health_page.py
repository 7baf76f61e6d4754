"""What a provider's page tells of its health: breakers, answers by the hour and by model, what is left there, what changed last."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from . import rates
from .breakers import Door
from .charts import Bar, columns
from .models import Breaker, HealthChange, Provider

CHANGES = 12
HOURS = 48
ANSWERS = ("good", "refused", "bad")  # from the ground up
STATES = {"closed": "success", "healthy": "success", "enough": "success", "open": "danger", "failing": "danger", "low": "danger"}
WHAT = {"submit": _("submits"), "poll": _("polls"), "check": _("checks"), "balance": _("balance")}


@display(description=_("Submits"))
def submits(provider: Provider) -> SafeString:
    return _door(provider, "submit")


@display(description=_("Polls"))
def polls(provider: Provider) -> SafeString:
    return _door(provider, "poll")


@display(description=_("By model, within a day"))
def by_model(provider: Provider) -> str:
    found = rates.by_model(provider.pk, now=timezone.now())
    rows = [[model, WHAT[door], _answers(counts), _jobs(counts)] for (model, door), counts in found.items()]
    return _table([gettext("model"), "", gettext("answers"), gettext("jobs that ended well")], rows) if rows else "–"


@display(description=_("What is left there"))
def balance(provider: Provider) -> str:
    if provider.balance is None:
        return gettext("It does not tell.")
    left = f"{provider.balance:,.10g} {provider.balance_unit} ({provider.balance_at:%Y-%m-%d %H:%M} UTC)"
    if provider.balance_days is None:
        return left
    return gettext("%(left)s, for %(days)s days at the rate of the last week") % {"left": left, "days": f"{provider.balance_days:.1f}"}


@display(description=_("Last changes"))
def changes(provider: Provider) -> str:
    last = HealthChange.objects.filter(provider=provider).order_by("-id")[:CHANGES]
    rows = [[f"{one.at:%Y-%m-%d %H:%M:%S} UTC", WHAT[one.what], _label(one.state), one.note] for one in last]
    return _table([gettext("when"), gettext("of"), gettext("to"), gettext("why")], rows) if rows else "–"


FIELDS = (submits, polls, by_model, balance, changes)


def _door(provider: Provider, door: Door) -> SafeString:
    """Its breaker as the row has it now, and what its calls came to."""
    row = provider.breakers.filter(door=door).first()
    drawn = _drawn(rates.series(provider.pk, now=timezone.now(), hours=HOURS), door)
    return format_html("<div>{} {}</div><div>{}</div>", _label(row.state if row else "closed"), _told(row) if row else "", drawn)


def _drawn(series: Sequence[tuple[datetime, dict[Door, rates.Counts]]], door: Door) -> SafeString | str:
    """A bar for each hour, as high as its answers are many."""
    told = [(hour, counts[door]) for hour, counts in series]
    if not any(counts.answers for _, counts in told):
        return gettext("None within %(hours)s hours.") % {"hours": len(series)}
    bars = [
        Bar(f"{hour:%m-%d %H:00}", f"{hour:%Y-%m-%d %H:00} UTC: {_answers(counts)}", {name: getattr(counts, name) for name in ANSWERS})
        for hour, counts in told
    ]
    return columns(bars, describes=gettext("Answers by the hour"), legend={name: gettext(name) for name in ANSWERS})


def _answers(counts: rates.Counts) -> str:
    """12 good, 1 refused, 3 bad; 0.42 s in the mean, 3.1 s at most."""
    if not counts.answers:
        return gettext("none")
    kinds = ", ".join(f"{getattr(counts, name):,} {gettext(name)}" for name in ANSWERS if getattr(counts, name))
    took = {"kinds": kinds, "mean": f"{counts.took_ms / counts.answers / 1000:.2f}", "most": f"{counts.slowest_ms / 1000:.1f}"}
    return gettext("%(kinds)s; %(mean)s s in the mean, %(most)s s at most") % took


def _told(row: Breaker) -> str:
    if row.state == "closed":
        return _since(row) if row.since else ""
    told = f"{_since(row)}: {row.reason}, {row.note}"
    if row.state != "open" or row.door != "submit":
        return told
    return gettext("%(told)s; a probe goes at %(time)s UTC") % {"told": told, "time": f"{row.retry_at:%H:%M:%S}"}


def _since(row: Breaker) -> str:
    return gettext("since %(time)s UTC") % {"time": f"{row.since:%Y-%m-%d %H:%M}"}


def _jobs(counts: rates.Counts) -> str:
    if not counts.jobs:
        return "–"
    each = {"jobs": f"{counts.jobs:,}", "time": timedelta(seconds=round(counts.jobs_s / counts.jobs)), "cost": f"{counts.cost:,.10g}"}
    return (gettext("%(jobs)s, %(time)s each, %(cost)s charged") if counts.cost else gettext("%(jobs)s, %(time)s each")) % each


def _label(state: str) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": gettext(state.replace("_", "-")), "type": STATES.get(state, "warning")})


def _table(headers: list[str], rows: list[list]) -> SafeString:
    return render_to_string("unfold/components/table.html", {"table": {"headers": headers, "rows": rows}})
