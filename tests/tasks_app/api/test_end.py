"""POST /tasks/{id}/cancel, POST /tasks/{id}/retry, DELETE /tasks/{id}."""

import pytest

from tasks_app.models import Output, Task
from tasks_app.storage import storage

from .conftest import ORDER, books, fields, output_of, refusal, shown, task_of

pytestmark = pytest.mark.django_db

NOBODYS = "task_01k8zq3v7m0000000000000000"


class TestCancel:
    def test_ends_a_queued_task_and_gives_its_credits_back(self, api, acme):
        task = api.post("/tasks", ORDER).json()
        answer = api.post(f"/tasks/{task['id']}/cancel")
        assert (answer.status_code, answer.json()["status"], answer.json()["cost"]["captured"]) == (200, "canceled", 0)
        assert books(acme) == (1000, 0)

    def test_may_be_asked_twice(self, api):
        task = api.post("/tasks", ORDER).json()
        answers = [api.post(f"/tasks/{task['id']}/cancel", body) for body in (None, {})]
        assert [answer.json()["status"] for answer in answers] == ["canceled", "canceled"]

    @pytest.mark.parametrize("status", ["succeeded", "failed", "expired", "storing"])
    def test_comes_too_late_for_a_task_that_is_over_or_nearly(self, api, acme, status):
        assert refusal(api.post(f"/tasks/{shown(task_of(acme, status=status))}/cancel")) == (409, "not_cancelable")

    def test_is_for_its_account_alone(self, api, neighbour, acme):
        task = task_of(acme)
        assert (
            refusal(neighbour.post(f"/tasks/{shown(task)}/cancel")) == refusal(api.post(f"/tasks/{NOBODYS}/cancel")) == (404, "not_found")
        )
        assert Task.objects.get().status == "queued"

    def test_takes_no_body(self, api, acme):
        answer = api.post(f"/tasks/{shown(task_of(acme))}/cancel", {"reason": "changed my mind"})
        assert fields(answer) == ["reason"]


class TestRetry:
    def test_makes_a_new_task_of_a_failed_one(self, api, acme):
        webhook = {"webhook_url": "https://example.com/", "webhook_events": ["task.failed"]}
        failed = task_of(acme, status="failed", metadata={"album": "42"}, end_user="ann", priority="low", **webhook)
        answer = api.post(f"/tasks/{shown(failed)}/retry")
        task = answer.json()
        assert answer.status_code == 201
        assert (task["retry_of"], task["status"], task["input"]["prompt"]) == (shown(failed), "queued", "a red fox")
        assert (task["metadata"], task["end_user"], task["priority"]) == ({"album": "42"}, "ann", "low")
        assert answer["Location"].endswith(task["id"])
        assert Task.objects.filter(retry_of=failed.id).values("webhook_url", "webhook_events").get() == webhook
        assert books(acme) == (1000, 3)

    @pytest.mark.parametrize("status", ["queued", "submitting", "running", "storing"])
    def test_waits_for_the_end(self, api, acme, status):
        assert refusal(api.post(f"/tasks/{shown(task_of(acme, status=status))}/retry")) == (409, "not_retryable")

    @pytest.mark.django_db(transaction=True)
    def test_with_a_key_is_made_once(self, api, acme):
        failed = task_of(acme, status="failed")
        first, again = (api.post(f"/tasks/{shown(failed)}/retry", Idempotency_Key="r-1") for _ in range(2))
        assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 200, "true")
        assert again.json()["id"] == first.json()["id"]

    @pytest.mark.django_db(transaction=True)
    def test_of_another_task_needs_another_key(self, api, acme):
        first, second = task_of(acme, status="failed"), task_of(acme, status="failed")
        api.post(f"/tasks/{shown(first)}/retry", Idempotency_Key="r-1")
        assert refusal(api.post(f"/tasks/{shown(second)}/retry", Idempotency_Key="r-1")) == (422, "idempotency_key_reused")

    def test_is_for_its_account_alone(self, neighbour, models, acme):
        assert refusal(neighbour.post(f"/tasks/{shown(task_of(acme, status='failed'))}/retry")) == (404, "not_found")


class TestDelete:
    def test_removes_a_task_that_is_over_with_its_outputs_and_their_bytes(self, api, acme):
        task = task_of(acme, status="succeeded")
        output = output_of(task, thumbnail=b"small")
        answer = api.delete(f"/tasks/{shown(task)}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert refusal(api.get(f"/tasks/{shown(task)}")) == (404, "not_found")
        assert not Output.objects.exists()
        assert (storage.size(output.key), storage.size(output.thumbnail_key)) == (None, None)

    @pytest.mark.parametrize("status", ["queued", "submitting", "running", "storing"])
    def test_spares_a_task_that_is_not_over(self, api, acme, status):
        assert refusal(api.delete(f"/tasks/{shown(task_of(acme, status=status))}")) == (409, "not_deletable")
        assert Task.objects.exists()

    def test_is_for_its_account_alone(self, neighbour, acme):
        task = task_of(acme, status="failed")
        assert refusal(neighbour.delete(f"/tasks/{shown(task)}")) == refusal(neighbour.delete(f"/tasks/{NOBODYS}")) == (404, "not_found")
        assert Task.objects.exists()
