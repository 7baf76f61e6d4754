"""GET /tasks/{id}."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.test.utils import CaptureQueriesContext

from tasks_app import ids
from tasks_app.models import Task
from tasks_app.render import poll_after_ms

from .conftest import ORDER, output_of, refusal, shown, task_of

pytestmark = pytest.mark.django_db


def about_tasks(captured: CaptureQueriesContext) -> list[str]:
    """The queries but for the look-up of the key, which Redis remembers on a server."""
    return [query["sql"] for query in captured if "accounts_apikey" not in query["sql"]]


class TestATask:
    def test_reads_as_it_was_answered_when_made(self, api):
        made = api.post("/tasks", ORDER | {"metadata": {"album": "42"}}).json()
        read = api.get(f"/tasks/{made['id']}").json()
        moving = {"queue_position", "poll_after_ms"}
        assert {name: read[name] for name in read if name not in moving} == {name: made[name] for name in made if name not in moving}

    def test_is_for_its_account_alone(self, api, neighbour, acme):
        path = f"/tasks/{shown(task_of(acme))}"
        foreign, missing = neighbour.get(path), neighbour.get("/tasks/task_01k8zq3v7m0000000000000000")
        assert refusal(foreign) == refusal(missing) == (404, "not_found")
        assert foreign.json()["detail"] == missing.json()["detail"]

    @pytest.mark.parametrize("id", ["task_", "task_1", "file_01k8zq3v7m0000000000000000", "1", "task_" + "u" * 26, "%00"])
    def test_is_not_found_by_nonsense(self, api, id):
        assert refusal(api.get(f"/tasks/{id}")) == (404, "not_found")

    def test_is_never_kept_by_others(self, api, acme):
        assert api.get(f"/tasks/{shown(task_of(acme))}")["Cache-Control"] == "private, no-cache"

    @pytest.mark.parametrize("status", ["submitting", "running", "storing"])
    def test_runs_while_it_is_submitted_and_stored_too(self, api, acme, status):
        task = api.get(f"/tasks/{shown(task_of(acme, status=status))}").json()
        assert (task["status"], task["stage"]) == ("running", status)
        assert set(task["urls"]) == {"self", "cancel"}

    def test_tells_why_it_failed_and_what_it_cost(self, api, acme):
        error = {"error_code": "invalid_input", "error_message": "too dark", "error_field": "input.prompt", "retryable": False}
        failed = task_of(acme, status="failed", hold=6, captured=0, finished_at=datetime.now(UTC), **error)
        task = api.get(f"/tasks/{shown(failed)}").json()
        assert task["error"] == {"code": "invalid_input", "message": "too dark", "field": "input.prompt", "retryable": False}
        assert (task["cost"]["held"], task["cost"]["captured"]) == (0, 0)
        assert (task["poll_after_ms"], task["stage"], set(task["urls"])) == (None, None, {"self", "retry"})

    def test_names_the_task_that_it_repeats(self, api, acme):
        first = task_of(acme, status="failed")
        assert api.get(f"/tasks/{shown(task_of(acme, retry_of=first.id))}").json()["retry_of"] == shown(first)

    def test_shows_roughly_how_many_wait_before_it(self, api, acme):
        task_of(acme)
        assert api.get(f"/tasks/{shown(task_of(acme))}").json()["queue_position"] == 2

    def test_shows_its_outputs_in_order(self, api, acme):
        task = task_of(acme, status="succeeded")
        output_of(task, b"second", position=1)
        output_of(task, b"first", position=0, width=640, height=480, thumbnail=b"small")
        first, second = api.get(f"/tasks/{shown(task)}").json()["outputs"]
        assert (first["bytes"], first["width"], first["height"], first["type"], first["content_type"]) == (
            5,
            640,
            480,
            "image",
            "image/png",
        )
        assert first["url"].endswith(f"/api/v1/outputs/{first['id']}/content")
        assert first["thumbnail_url"].endswith(f"/api/v1/outputs/{first['id']}/thumbnail")
        assert (second["bytes"], second["thumbnail_url"], second["duration"]) == (6, None, None)

    def test_shows_addresses_of_today_though_it_keeps_its_outputs_as_json(self, api, acme):
        output = output_of(task_of(acme, status="succeeded"))
        assert "://" not in Task.objects.get().outputs_shown
        (shown_output,) = api.get(f"/tasks/{shown(Task.objects.get())}").json()["outputs"]
        assert shown_output["url"] == f"{settings.PUBLIC_URL}/api/v1/outputs/{ids.shown('output', output.id)}/content"

    def test_keeps_text_of_any_script_and_times_to_the_microsecond(self, api, acme):
        moment = datetime(2026, 1, 31, 8, 0, 0, 123456, tzinfo=UTC)
        task = task_of(acme, created_at=moment, input={"prompt": "红狐狸 🦊"}, end_user="安")
        read = api.get(f"/tasks/{shown(task)}").json()
        assert (read["input"]["prompt"], read["end_user"], read["created_at"]) == ("红狐狸 🦊", "安", "2026-01-31T08:00:00.123456Z")


class TestAReaderThatHasTheTask:
    def test_is_told_that_nothing_changed(self, api, acme):
        path = f"/tasks/{shown(task_of(acme))}"
        first = api.get(path)
        again = api.get(path, If_None_Match=first["ETag"])
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
        assert again["Cache-Control"] == "private, no-cache"

    def test_may_name_several_or_lose_the_sign_of_weakness(self, api, acme):
        path = f"/tasks/{shown(task_of(acme))}"
        tag = api.get(path)["ETag"]
        assert tag.startswith('W/"')
        assert api.get(path, If_None_Match=f'"x", {tag.removeprefix("W/")}').status_code == 304

    @pytest.mark.parametrize("change", [{"progress": 0.5}, {"status": "running"}, {"warnings": ["cropped"]}])
    def test_gets_it_anew_once_anything_shown_has_changed(self, api, acme, change):
        task = task_of(acme, status="submitting")
        tag = api.get(f"/tasks/{shown(task)}")["ETag"]
        Task.objects.filter(id=task.id).update(**change)
        assert api.get(f"/tasks/{shown(task)}", If_None_Match=tag).status_code == 200

    def test_hears_nothing_new_of_a_running_task_that_only_grew_older(self, api, acme):
        task = task_of(acme, status="running")
        tag = api.get(f"/tasks/{shown(task)}")["ETag"]
        assert api.get(f"/tasks/{shown(task)}")["ETag"] == tag


class TestTheNumberOfQueries:
    @pytest.mark.parametrize(("status", "most"), [("running", 1), ("failed", 1), ("queued", 2), ("succeeded", 1)])
    def test_is_one_and_one_more_for_its_place(self, api, acme, status, most, django_assert_max_num_queries):
        task = task_of(acme, status=status)
        for position in range(3):
            output_of(task, position=position)
        api.get(f"/tasks/{shown(task)}")
        with django_assert_max_num_queries(10) as captured:
            api.get(f"/tasks/{shown(task)}")
        assert len(about_tasks(captured)) == most


class TestWhenToAskAgain:
    @pytest.mark.parametrize(
        ("age_s", "typical_s", "wait_ms"),
        [(0, 3, 1000), (0, 600, 10_000), (599, 600, 500), (28, 30, 667), (30, 30, 500), (60, 30, 3000), (9000, 30, 10_000), (-5, 3, 1000)],
    )
    def test_is_soon_when_the_end_is_near_and_later_when_it_is_far_or_overdue(self, age_s, typical_s, wait_ms):
        assert poll_after_ms(timedelta(seconds=age_s), typical_s) == wait_ms
