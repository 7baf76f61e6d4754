"""GET /tasks."""

from datetime import UTC, datetime, timedelta

import pytest

from .conftest import IMAGE, VIDEO, fields, output_of, refusal, shown, task_of
from .test_read import about_tasks

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [task["id"] for task in answer.json()["data"]]


class TestAList:
    def test_is_empty_at_first(self, api):
        assert api.get("/tasks").json() == {"object": "list", "data": [], "has_more": False, "next_cursor": None}

    def test_shows_the_newest_first(self, api, acme):
        tasks = [shown(task_of(acme)) for _ in range(3)]
        assert ids(api.get("/tasks")) == tasks[::-1]

    def test_shows_nothing_of_a_neighbour(self, api, bolt):
        task_of(bolt)
        assert ids(api.get("/tasks")) == []

    def test_shows_outputs_where_there_are_any(self, api, acme):
        task_of(acme)
        output = output_of(task_of(acme, status="succeeded"), b"12345")
        done, waiting = api.get("/tasks").json()["data"]
        assert ([one["sha256"] for one in done["outputs"]], waiting["outputs"]) == ([output.sha256], [])

    def test_is_never_kept_by_others(self, api):
        assert api.get("/tasks")["Cache-Control"] == "private, no-cache"


class TestPages:
    def test_lead_through_all_tasks_and_show_each_once(self, api, acme):
        made = [shown(task_of(acme)) for _ in range(7)]
        seen, cursor = [], ""
        while cursor is not None:
            page = api.get(f"/tasks?limit=3{cursor and f'&cursor={cursor}'}")
            seen += ids(page)
            cursor = page.json()["next_cursor"]
        assert seen == made[::-1]

    def test_stay_where_they_are_while_new_tasks_come(self, api, acme):
        made = [shown(task_of(acme)) for _ in range(4)]
        first = api.get("/tasks?limit=2").json()
        task_of(acme)
        assert ids(api.get(f"/tasks?limit=2&cursor={first['next_cursor']}")) == made[1::-1]

    def test_end_without_an_empty_one(self, api, acme):
        for _ in range(2):
            task_of(acme)
        last = api.get("/tasks?limit=2").json()
        assert (last["has_more"], last["next_cursor"]) == (False, None)

    def test_hold_twenty_where_nobody_says(self, api, acme):
        for _ in range(21):
            task_of(acme)
        assert len(ids(api.get("/tasks"))) == 20


class TestFilters:
    def test_find_by_status_and_take_running_for_all_that_runs(self, api, acme):
        tasks = {status: shown(task_of(acme, status=status)) for status in ("queued", "submitting", "running", "storing", "failed")}
        assert ids(api.get("/tasks?status=running")) == [tasks["storing"], tasks["running"], tasks["submitting"]]
        assert ids(api.get("/tasks?status=failed")) == [tasks["failed"]]

    def test_find_by_kind_and_model(self, api, acme):
        image, video = shown(task_of(acme)), shown(task_of(acme, kind="video.generate", model=VIDEO))
        assert ids(api.get("/tasks?kind=video.generate")) == [video]
        assert ids(api.get(f"/tasks?model={IMAGE}")) == [image]

    def test_find_by_end_user_to_the_letter(self, api, acme):
        ann, _ = shown(task_of(acme, end_user="ann")), task_of(acme, end_user="Ann")
        assert ids(api.get("/tasks?end_user=ann")) == [ann]

    def test_find_by_metadata_to_the_letter(self, api, acme):
        task_of(acme, metadata={"album": "summer", "page": "2"})
        found = shown(task_of(acme, metadata={"album": "Summer", "page": "2"}))
        task_of(acme, metadata={"album": "Summer", "page": "3"})
        task_of(acme)
        assert ids(api.get("/tasks?metadata[album]=Summer&metadata[page]=2")) == [found]

    @pytest.mark.parametrize("name", ["a.b", "a b", "0", "*", "专辑", "a'b", "$"])
    def test_find_by_metadata_of_any_name(self, api, acme, name):
        found = shown(task_of(acme, metadata={name: "it's 100 % 好"}))
        task_of(acme, metadata={"other": "it's 100 % 好"})
        assert ids(api.get(f"/tasks?metadata[{name}]=it's 100 %25 好")) == [found]

    def test_find_by_time_with_both_ends_left_out(self, api, acme):
        moments = [NOON + timedelta(minutes=minutes) for minutes in range(5)]
        tasks = [shown(task_of(acme, created_at=moment)) for moment in moments]
        after, before = moments[1].isoformat(), moments[4].strftime("%Y-%m-%dT%H:%M:%SZ")
        assert ids(api.get(f"/tasks?created_after={after}&created_before={before}")) == [tasks[3], tasks[2]]

    def test_take_a_time_of_any_zone(self, api, acme):
        task = shown(task_of(acme, created_at=NOON))
        assert ids(api.get("/tasks?created_after=2026-01-31T19:59:59%2B08:00")) == [task]
        assert ids(api.get("/tasks?created_after=2026-01-31T20:00:01%2B08:00")) == []

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=ten", "limit"),
            ("limit=٣", "limit"),
            ("cursor=2", "cursor"),
            ("status=storing", "status"),
            ("kind=image", "kind"),
            ("model=", "model"),
            ("end_user=", "end_user"),
            ("created_after=yesterday", "created_after"),
            ("created_after=2026-01-31", "created_after"),
            ("created_before=2026-01-31T08:00:00", "created_before"),
            ("created_before=2026-02-31T08:00:00Z", "created_before"),
            ("created_before=0001-01-01T00:00:00Z", "created_before"),
            ('metadata[a"b]=1', 'metadata[a"b]'),
            ("metadata[]=1", "metadata[]"),
            ("metadata=1", "metadata"),
            ("colour=red", "colour"),
            ("status=queued&status=failed", "status"),
        ],
    )
    def test_that_make_no_sense_are_refused_by_name(self, api, query, field):
        answer = api.get(f"/tasks?{query}")
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == [field]


class TestTheNumberOfQueries:
    @pytest.mark.parametrize("number", [1, 20])
    def test_is_the_same_for_one_task_and_for_twenty(self, api, acme, number, django_assert_max_num_queries):
        for _ in range(number):
            output_of(task_of(acme, status="succeeded"))
        api.get("/tasks")
        with django_assert_max_num_queries(10) as captured:
            assert len(ids(api.get("/tasks"))) == number
        assert len(about_tasks(captured)) == 1
