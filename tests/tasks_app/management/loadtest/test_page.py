"""What a run looks like: one file, for light and dark, on a phone."""

import re

import pytest

from tasks_app.management.loadtest import chart, compare, page
from tasks_app.management.loadtest.plan import Plan
from tasks_app.management.loadtest.seen import Seen
from tests.browser import PHONE, looked_at


def a_run(*, slower=1.0, **more):
    """A run of ten seconds as if it had been."""
    plan = Plan(url="http://127.0.0.1:8000", mix={"accept": 1, "get": 9}, **({"rate": 100, "seconds": 10} | more))
    seen = Seen(plan)
    for number in range(1000):
        seen.sends(late_s=0.001)
        error = "429 <b>rate_limited</b>" if number % 100 == 0 else ""
        took_s = slower * 0.01 * (1 + number % 10)
        seen.ended("accept" if number % 10 == 0 else "get", due_s=number / 100, took_s=took_s, error=error)
    return seen.told(lasted_s=10, cpu_s=0.3)


class TestARun:
    def test_is_one_file_that_fetches_nothing(self):
        html = page.of_one(a_run())
        assert not re.search(r"(src|href)\s*=|@import|url\(", html)
        assert html.count("<svg") == 3
        assert "prefers-color-scheme: dark" in html

    def test_shows_what_a_server_said_as_text(self):
        html = page.of_one(a_run())
        assert "429 &lt;b&gt;rate_limited" in html
        assert "<b>rate_limited" not in html

    @pytest.mark.parametrize("html", [page.of_one(a_run()), page.of_two(a_run(), a_run(slower=2))], ids=["one", "two"])
    def test_fits_a_phone(self, html, tmp_path):
        (tmp_path / "run.html").write_text(html)
        with looked_at("http://127.0.0.1", PHONE) as looked:
            looked.page.goto(f"file://{tmp_path}/run.html")
            assert looked.too_wide_px() <= 0
            assert looked.troubles == []

    def test_of_one_request_is_shown_too(self):
        plan = Plan(url="http://127.0.0.1:8000", mix={"get": 1}, rate=1, seconds=1)
        seen = Seen(plan)
        seen.sends(late_s=0)
        seen.ended("get", due_s=0, took_s=0.01, error="")
        assert page.of_one(seen.told(lasted_s=1, cpu_s=0)).count("<polyline") == 6


class TestTwoRuns:
    def test_are_told_by_their_ratio(self):
        told = {line.what: line for line in compare.lines(a_run(), a_run(slower=2))}
        assert told["all, P99"].ratio == pytest.approx(2, rel=0.01)
        assert told["get, P50"].ratio == pytest.approx(2, rel=0.01)
        assert told["errors"].ratio == 1

    def test_that_were_made_otherwise_say_so(self):
        assert compare.differences(a_run(), a_run()) == []
        assert compare.differences(a_run(), a_run(rate=None, clients=5)) == [
            "loop: open and closed",
            "rate: 100 and None",
            "clients: None and 5",
        ]


class TestAnAxis:
    def test_of_percentiles_gives_each_nine_a_step_of_the_same_width(self):
        axis = chart.nines("", 99.9)
        assert [round(axis.place(at), 6) for at in (0, 90, 99, 99.9)] == [0, 0.333333, 0.666667, 1]

    @pytest.mark.parametrize("high", [0.03, 1, 7, 19, 320, 45_000])
    def test_has_a_few_round_ticks(self, high):
        assert 3 <= len(chart.linear("", high).ticks) <= 7
        assert all(0 <= chart.linear("", high).place(value) <= 1 for value, _ in chart.linear("", high).ticks)
