"""A run, or two beside each other, as one HTML file that needs no other."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from . import chart, compare, seen
from .chart import Points
from .times import Times

Run = Mapping[str, Any]


def of_one(run: Run) -> str:
    calls = {"all": run["all"], **run["calls"]}
    context = {
        "title": "Load test",
        "runs": [("", run, seen.sentence(run))],
        "calls": calls.items(),
        "charts": [mark_safe(picture) for picture in (spread(calls), course(run), rate(run))],
    }
    return render_to_string("tasks_app/loadtest.html", context)


def of_two(a: Run, b: Run) -> str:
    context = {
        "title": "Two load tests",
        "runs": [(name, run, seen.sentence(run)) for name, run in (("A", a), ("B", b))],
        "differences": compare.differences(a, b),
        "lines": compare.lines(a, b),
        "charts": [mark_safe(spread({"A": a["all"], "B": b["all"]}))],
    }
    return render_to_string("tasks_app/loadtest.html", context)


def spread(calls: Mapping[str, Mapping[str, Any]]) -> str:
    """How long which part of the requests took at most."""
    series = [(name, percentiles(call["histogram"])) for name, call in calls.items()]
    times = [ms for _, points in series for _, ms in points]
    most = max(call["requests"] for call in calls.values())
    highest = 100 - 100 / max(most, 10)
    return chart.lines(
        "Times by percentile",
        series,
        x=chart.nines("so many took no longer", highest),
        y=chart.decades("ms", min(times), max(times)),
    )


def percentiles(histogram: Mapping[str, int]) -> Points:
    """(percentile, ms), twenty points to each nine; the last stands where the count of requests allows no more to be said."""
    times = Times(histogram)
    last = 100 - 100 / max(times.count, 2)
    steps = [100 - 100 / 10 ** (step / 20) for step in range(200)]
    shown = [*(step for step in steps if step < last), last]
    return list(zip(shown, (us / 1000 for us in times.at(*shown)), strict=True))


def course(run: Run) -> str:
    """How long requests took, by when they were due."""
    slots = run["slots"]
    series = [(name, [(slot["at_s"], slot[field]) for slot in slots]) for name, field in (("P50", "p50_ms"), ("P99", "p99_ms"))]
    times = [ms for _, points in series for _, ms in points]
    return chart.lines("Times, as the run went", series, x=_seconds(run), y=chart.decades("ms", min(times), max(times)))


def rate(run: Run) -> str:
    """How many requests were due in a second, and how many of them failed."""
    slots: Sequence[Mapping[str, float]] = run["slots"]
    sent = [(slot["at_s"], slot["per_second"]) for slot in slots]
    failed = [(slot["at_s"], slot["errors"] / run_slot_s(run)) for slot in slots]
    high = max(value for _, value in sent) * 1.1
    return chart.lines("Requests a second", [("sent", sent), ("failed", failed)], x=_seconds(run), y=chart.linear("1/s", high))


def run_slot_s(run: Run) -> float:
    """How many seconds a slot of this run has."""
    slots = run["slots"]
    return slots[1]["at_s"] - slots[0]["at_s"] if len(slots) > 1 else 1


def _seconds(run: Run) -> chart.Axis:
    return chart.linear("seconds", max(run["lasted_s"], run["slots"][-1]["at_s"]))
