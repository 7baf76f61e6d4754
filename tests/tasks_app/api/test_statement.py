"""GET /account/statement."""

import csv
from datetime import UTC, datetime
from io import StringIO

import pytest

from accounts import credits, keys
from tests.tasks_app.api.conftest import VIDEO, Api, fields, refusal

pytestmark = pytest.mark.django_db


def rows(answer) -> list[dict[str, str]]:
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(answer.getvalue().decode(), newline="")))


class TestTheStatement:
    def test_tells_a_task_with_its_model(self, acme, plasma, road):
        api = Api(acme.key)
        task = acme.submits("darkroom/plasma-video", duration=4)
        road.runs_dry()
        month = rows(api.get("/account/statement?month=2026-03"))
        assert [(row["kind"], row["task"], row["model"], row["amount"], row["balance"]) for row in month] == [
            ("opening balance", "", "", "", "0"),
            ("grant", "", "", "1000", "1000"),
            ("capture", str(task), VIDEO, "-8", "992"),
            ("closing balance", "", "", "", "992"),
        ]
        assert api.get("/account").json()["balance"] == 992

    def test_is_a_file_that_nobody_else_keeps(self, api):
        answer = api.get("/account/statement?month=2026-03")
        assert answer["Content-Disposition"] == 'attachment; filename="acme-2026-03.csv"'
        assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("private, no-cache", "nosniff")
        assert answer.streaming

    def test_is_of_this_month_where_nobody_says(self, api, acme):
        credits.grant(acme.id, 5, by="olga", note="now", now=datetime.now(UTC))
        assert [row["note"] for row in rows(api.get("/account/statement"))] == ["", "now", ""]

    def test_shows_nothing_of_a_neighbour(self, neighbour, acme, bolt):
        credits.grant(acme.id, 5, by="olga", note="for acme alone", now=acme.clock())
        assert "for acme alone" not in str(rows(neighbour.get("/account/statement?month=2026-03")))

    def test_is_for_each_key_of_the_account_that_may_read(self, acme, models):
        reader = Api(keys.make(acme.account, "reader", now=acme.clock(), read_only=True, only_models=VIDEO)[1])
        assert len(rows(reader.get("/account/statement?month=2026-03"))) == 3
        assert refusal(Api().get("/account/statement")) == (401, "unauthenticated")

    @pytest.mark.parametrize("month", ["2026-13", "march", "", "2026-03-01"])
    def test_of_no_month_is_refused_by_name(self, api, month):
        answer = api.get(f"/account/statement?month={month}")
        assert (refusal(answer), fields(answer)) == ((422, "invalid_request"), ["month"])

    @pytest.mark.parametrize("accept", ["text/csv", "text/*;q=0.5", "*/*", "application/json, text/csv"])
    def test_is_csv_for_who_takes_it(self, api, accept):
        assert rows(api.get("/account/statement?month=2026-03", Accept=accept))

    def test_is_nothing_for_who_takes_none(self, api):
        answer = api.get("/account/statement", Accept="application/json")
        assert refusal(answer) == (406, "not_acceptable")
        assert "text/csv" in answer.json()["detail"]

    def test_head_tells_all_but_the_rows(self, api):
        answer = api.head("/account/statement?month=2026-03")
        assert (answer.status_code, answer.getvalue()) == (200, b"")
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
