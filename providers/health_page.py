"""What a provider's page tells of its health: breakers, answers by the hour and by model, what is left there, what changed last."""

from datetime import timedelta

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from . import charts, rates
from .models import Breaker, HealthChange, Provider

CHANGES = 12
HOURS = 48
STATES = {"closed": "success", "healthy": "success", "enough": "success", "open": "danger", "failing": "danger", "low": "danger"}
WHAT = {"submit": "submits", "poll": "polls", "check": "checks", "balance": "balance"}


@display(description="Submits")
def submits(provider: Provider) -> SafeString:
    return _door(provider, "submit")


@display(description="Polls")
def polls(provider: Provider) -> SafeString:
    return _door(provider, "poll")


@display(description="By model, within a day")
def by_model(provider: Provider) -> str:
    found = rates.by_model(provider.pk, now=timezone.now())
    rows = [[model, WHAT[door], charts.told(counts), _jobs(counts)] for (model, door), counts in found.items()]
    return _table(["model", "", "answers", "jobs that ended well"], rows) if rows else "–"


@display(description="What is left there")
def balance(provider: Provider) -> str:
    if provider.balance is None:
        return "It does not tell."
    days = "" if provider.balance_days is None else f", for {provider.balance_days:.1f} days at the rate of the last week"
    return f"{provider.balance:,.10g} {provider.balance_unit}{days} ({provider.balance_at:%d %b %H:%M} UTC)"


@display(description="Last changes")
def changes(provider: Provider) -> str:
    last = HealthChange.objects.filter(provider=provider).order_by("-id")[:CHANGES]
    rows = [[f"{one.at:%d %b %H:%M:%S} UTC", WHAT[one.what], _label(one.state), one.note] for one in last]
    return _table(["when", "of", "to", "why"], rows) if rows else "–"


FIELDS = (submits, polls, by_model, balance, changes)


def _door(provider: Provider, door: str) -> SafeString:
    """Its breaker as the row has it now, and what its calls came to."""
    row = provider.breakers.filter(door=door).first()
    drawn = charts.answers(rates.series(provider.pk, now=timezone.now(), hours=HOURS), door)
    return format_html("<div>{} {}</div><div>{}</div>", _label(row.state if row else "closed"), _told(row) if row else "", drawn)


def _told(row: Breaker) -> str:
    if row.state == "closed":
        return f"since {row.since:%d %b %H:%M} UTC" if row.since else ""
    again = f"; a probe goes at {row.retry_at:%H:%M:%S} UTC" if row.state == "open" and row.door == "submit" else ""
    return f"since {row.since:%d %b %H:%M} UTC: {row.reason}, {row.note}{again}"


def _jobs(counts: rates.Counts) -> str:
    if not counts.jobs:
        return "–"
    cost = f", {counts.cost:,.10g} charged" if counts.cost else ""
    return f"{counts.jobs:,}, {timedelta(seconds=round(counts.jobs_s / counts.jobs))} each{cost}"


def _label(state: str) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": state.replace("_", "-"), "type": STATES.get(state, "warning")})


def _table(headers: list[str], rows: list[list]) -> SafeString:
    return render_to_string("unfold/components/table.html", {"table": {"headers": headers, "rows": rows}})
