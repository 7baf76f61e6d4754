"""`manage.py top`: what a frame shows of two readings."""

import io
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest
from django.utils import timezone
from rich.console import Console

from providers.models import Provider
from tasks_app import figures
from tasks_app.machine import Running
from tasks_app.management import readings, screen
from tasks_app.management.readings import Reading, Requests, flow, quantile
from tasks_app.models import Process

BEFORE = Reading(100.0, [Running("web", 7, 60_000_000, 1.0, 7200.0)], Requests(1000, 0, Counter({0.05: 900, 0.5: 1000, 1.0: 1000})), None)
AFTER = Reading(
    102.0,
    [Running("web", 7, 61_000_000, 2.0, 7202.0), Running("worker", 8, 80_000_000, 0.5, 1.0)],
    Requests(1100, 4, Counter({0.05: 990, 0.5: 1099, 1.0: 1100})),
    None,
)
PAGE = """\
# TYPE darkroom_http_request_duration_seconds histogram
darkroom_http_request_duration_seconds_bucket{le="0.05",method="GET",route="api/v1/tasks",status="200"} 3.0
darkroom_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="api/v1/tasks",status="200"} 4.0
darkroom_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="healthz",status="200"} 9.0
darkroom_http_request_duration_seconds_count{method="GET",route="api/v1/tasks",status="200"} 4.0
darkroom_http_request_duration_seconds_count{method="POST",route="api/v1/tasks",status="503"} 2.0
"""


def shown(before: Reading, after: Reading, *, width: int = 80) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(screen.frame(before, after, clock="12:00:00 UTC"))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def line_of(lines: list[str], word: str) -> list[str]:
    return next(line.split() for line in lines if line.startswith(word))


class TestRequests:
    def test_are_counted_a_second_between_two_readings(self):
        found = flow(BEFORE, AFTER)
        assert (found.per_s, found.failed_per_s, found.p50, found.p99) == (50, 2, 0.05, 0.5)

    def test_are_read_from_the_page_and_only_the_apis_times_count(self):
        assert readings.parsed(PAGE) == Requests(6, 2, Counter({0.05: 3, float("inf"): 4}))

    def test_are_not_told_where_web_was_away_or_began_anew(self):
        assert flow(replace(BEFORE, requests=None), AFTER) is None
        assert flow(AFTER, replace(BEFORE, at=104.0)) is None
        assert "does not answer" in shown(BEFORE, replace(AFTER, requests=None))[1]

    def test_that_did_not_come_have_no_times(self):
        assert quantile(Counter({0.05: 0, float("inf"): 0}), 0.99) is None


class TestAFrame:
    def test_shows_processes_with_their_memory_and_their_share_of_a_core(self):
        lines = shown(BEFORE, AFTER)
        assert line_of(lines, "web  ")[1:4] == ["50.0", "requests/s", "P50"]
        assert [line.split() for line in lines if line.startswith(("web  ", "worker", "together"))][1:] == [
            ["web", "7", "61", "MB", "50%", "2", "h"],
            ["worker", "8", "80", "MB", "25%", "1", "s"],
            ["together", "2", "141", "MB", "75%"],
        ]

    def test_without_the_database_says_so_and_shows_the_rest(self):
        assert shown(BEFORE, AFTER)[-1].startswith("The database does not answer")

    def test_shows_how_the_whole_stands(self, acme, plasma, grit, road, clock):
        Provider.objects.filter(name="plasma").update(max_jobs=4)
        Provider.objects.filter(name="grit").update(is_healthy=False, health_note="401: " + "the key is no good " * 9)
        acme.submits("darkroom/plasma-image")
        road.submits()
        acme.submits("darkroom/plasma-video")
        clock.move(seconds=90)
        Process.objects.create(kind="worker", host="a", pid=1, queues=["submit", "poll"], started_at=clock(), seen_at=clock())
        Process.objects.create(kind="beat", host="a", pid=2, started_at=clock(), seen_at=clock() - timedelta(seconds=3))
        lines = shown(BEFORE, replace(AFTER, figures=figures.read(clock)))
        assert line_of(lines, "tasks")[1:3] == ["queued", "1"]
        assert line_of(lines, "beat") == ["beat", "seen", "3", "s", "ago"]
        assert line_of(lines, "submit") == ["submit", "1", "90", "s", "darkroom/plasma-video"]
        assert line_of(lines, "store")[:2] == ["store", "0"]
        assert line_of(lines, "plasma") == ["plasma", "ok", "1", "4"]
        assert line_of(lines, "grit")[:3] == ["grit", "fails", "0"]
        assert max(map(len, lines)) <= 80


class TestAReading:
    def test_that_hangs_is_given_up(self, monkeypatch):
        from threading import Event

        ends = Event()
        monkeypatch.setattr(readings, "PATIENCE_S", 0.2)
        began = monotonic()
        assert readings.within_time(lambda: ends.wait(60))() is None
        assert monotonic() - began < 20
        ends.set()


@pytest.mark.django_db
def test_streams_are_counted_where_they_are_open():
    now = timezone.now()
    for pid, ended_at in ((1, None), (2, None), (3, now)):
        samples = [["darkroom_streams", "darkroom_streams", {"kind": kind}, pid] for kind in ("task", "wait")]
        Process.objects.create(kind="stream", host="a", pid=pid, samples=samples, started_at=now, seen_at=now, ended_at=ended_at)
    lines = shown(BEFORE, replace(AFTER, figures=figures.read(timezone.now)))
    assert line_of(lines, "streams") == ["streams", "task", "3", "wait", "3"]


@pytest.mark.django_db
def test_beat_that_ended_does_not_run(clock):
    now = timezone.now()
    Process.objects.create(kind="beat", host="a", pid=2, started_at=now, seen_at=now, ended_at=now)
    lines = shown(BEFORE, replace(AFTER, figures=figures.read(timezone.now)))
    assert line_of(lines, "beat") == ["beat", "does", "not", "run"]
