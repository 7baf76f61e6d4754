"""GET /account and GET /usage."""

from datetime import UTC, date, datetime

import pytest

from tasks_app.api import period
from tasks_app.engine.accept import Problem

from .conftest import ORDER, VIDEO, fields, refusal, task_of

pytestmark = pytest.mark.django_db

JANUARY = "from=2026-01-01&to=2026-01-31"


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 1, day, hour, tzinfo=UTC)


class TestTheAccount:
    def test_shows_credits_and_caps(self, api):
        api.post("/tasks", ORDER)
        assert api.get("/account").json() == {
            "object": "account",
            "name": "acme",
            "balance": 1000,
            "held": 3,
            "free": 997,
            "active": 1,
            "max_active": 100,
        }


class TestUsage:
    def test_counts_and_sums_by_day(self, api, acme):
        task_of(acme, created_at=at(1, 0), status="succeeded", captured=3)
        task_of(acme, created_at=at(1, 23), status="failed", captured=0)
        task_of(acme, created_at=at(3), status="succeeded", captured=8)
        task_of(acme, created_at=at(3), status="running")
        usage = api.get(f"/usage?{JANUARY}").json()
        none = {"succeeded": 0, "failed": 0, "canceled": 0, "expired": 0}
        assert (usage["from"], usage["to"], usage["by"], usage["has_more"]) == ("2026-01-01", "2026-01-31", ["day"], False)
        assert usage["data"] == [
            {"day": "2026-01-01", "tasks": 2, **none, "succeeded": 1, "failed": 1, "credits": 3},
            {"day": "2026-01-03", "tasks": 2, **none, "succeeded": 1, "credits": 8},
        ]

    def test_tells_apart_what_it_is_asked_to(self, api, acme):
        task_of(acme, created_at=at(1), end_user="ann", captured=1)
        task_of(acme, created_at=at(2), end_user="bob", captured=2, kind="video.generate", model=VIDEO)
        task_of(acme, created_at=at(3), end_user="ann", captured=4)
        by_user = api.get(f"/usage?{JANUARY}&by=end_user").json()["data"]
        assert [(line["end_user"], line["tasks"], line["credits"]) for line in by_user] == [("ann", 2, 5), ("bob", 1, 2)]
        by_both = api.get(f"/usage?{JANUARY}&by=kind,model").json()["data"]
        assert [(line["kind"], line["model"], line["credits"]) for line in by_both] == [
            ("image.generate", "darkroom/plasma-image", 5),
            ("video.generate", VIDEO, 2),
        ]

    def test_holds_both_its_days_and_none_beside_them(self, api, acme):
        for day in (1, 2, 3, 4):
            task_of(acme, created_at=at(day, 0))
        assert [line["day"] for line in api.get("/usage?from=2026-01-02&to=2026-01-03").json()["data"]] == ["2026-01-02", "2026-01-03"]

    def test_shows_nothing_of_a_neighbour(self, api, bolt):
        task_of(bolt, created_at=at(1), captured=3)
        assert api.get(f"/usage?{JANUARY}").json()["data"] == []

    def test_is_of_the_last_thirty_days_where_nobody_says(self, api):
        api.post("/tasks", ORDER)
        usage = api.get("/usage").json()
        assert (date.fromisoformat(usage["to"]) - date.fromisoformat(usage["from"])).days == 29
        assert [line["tasks"] for line in usage["data"]] == [1]

    def test_names_each_parameter_that_makes_no_sense(self, api):
        answer = api.get("/usage?from=yesterday&to=2026-1-1T&by=colour")
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == ["from", "to", "by"]


class TestThePeriod:
    TODAY = date(2026, 6, 30)

    @pytest.mark.parametrize(
        ("params", "first", "last"),
        [
            ({}, date(2026, 6, 1), TODAY),
            ({"from": "2026-05-01"}, date(2026, 5, 1), TODAY),
            ({"to": "2026-01-30"}, date(2026, 1, 1), date(2026, 1, 30)),
            ({"from": "2025-06-30", "to": "2026-06-30"}, date(2025, 6, 30), TODAY),
        ],
    )
    def test_ends_today_and_begins_thirty_days_before_its_end(self, params, first, last):
        read = period.read(params, today=self.TODAY)
        assert (read.first, read.last, read.by) == (first, last, ("day",))

    @pytest.mark.parametrize(
        ("name", "texts"), [("from", "2026-07-01 2025-06-29 0001-01-01"), ("to", "9999-12-31 1-1-1"), ("by", "day,day day,")]
    )
    def test_must_run_forwards_and_not_for_ever(self, name, texts):
        for text in ("", *texts.split()):
            with pytest.raises(Problem):
                period.read({name: text}, today=self.TODAY)
