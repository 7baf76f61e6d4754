"""A round of checks: whatever one of them does, the others' verdicts are there in time."""

from threading import Event
from time import monotonic

import pytest
from django.db import OperationalError

from tasks_app.doctor import rounds
from tasks_app.doctor.verdict import by_limits, fail, ok, warn, worst


def well():
    yield ok("well", "1")


def broken():
    raise RuntimeError("a secret: hunter2")


def refused():
    raise OperationalError(1040, "Too many connections")


class TestARound:
    def test_gives_every_verdict_in_the_order_of_the_checks(self):
        assert [one.check for one in rounds.run({"b": lambda: [ok("b", "1"), ok("b2", "1")], "well": well})] == ["b", "b2", "well"]

    def test_a_check_that_hangs_fails_and_holds_up_no_other(self):
        ends = Event()
        began = monotonic()
        hanging, other = rounds.run({"hanging": lambda: ends.wait(60), "well": well}, limit_s=0.3)
        ends.set()
        assert (hanging.level, hanging.figure, other.level) == ("fail", "no answer within 0.3 s", "ok")
        assert monotonic() - began < 10

    def test_a_check_that_breaks_fails_and_says_only_how_it_broke(self):
        found, other = rounds.run({"broken": broken, "well": well})
        assert (found.level, other.level) == ("fail", "ok")
        assert "RuntimeError" in found.figure
        assert "hunter2" not in str(found)

    def test_what_the_database_says_is_shown(self):
        (found,) = rounds.run({"refused": refused})
        assert (found.check, found.level, found.figure) == ("refused", "fail", "Too many connections")


class TestTheExitCode:
    @pytest.mark.parametrize(
        ("verdicts", "code"), [([], 0), ([ok("a", "")], 0), ([ok("a", ""), warn("b", "", "")], 1), ([fail("a", "", ""), ok("b", "")], 2)]
    )
    def test_is_that_of_the_worst(self, verdicts, code):
        assert worst(verdicts) == code

    @pytest.mark.parametrize(("value", "level"), [(10, "ok"), (10.1, "warn"), (60, "warn"), (60.1, "fail")])
    def test_a_figure_is_judged_by_its_limits(self, value, level):
        assert by_limits("lag", value, "", "", warn_above=10, fail_above=60).level == level
