"""POST /tasks, /tasks/quote and /tasks/batch."""

import pytest

from providers import catalogue
from providers.models import PublicModel
from tasks_app.models import Task

from .conftest import IMAGE, ORDER, VIDEO, Api, books, fields, refusal

pytestmark = pytest.mark.django_db


class TestANewTask:
    def test_is_answered_201_with_its_address(self, api):
        answer = api.post("/tasks", ORDER)
        task = answer.json()
        assert answer.status_code == 201
        assert answer["Location"] == task["urls"]["self"]
        assert answer["Location"].endswith(f"/api/v1/tasks/{task['id']}")
        assert "Idempotent-Replayed" not in answer

    def test_is_queued_and_shows_what_was_asked_with_the_defaults_filled_in(self, api):
        task = api.post("/tasks", ORDER | {"metadata": {"album": "42"}, "end_user": "ann", "priority": "low"}).json()
        assert (task["object"], task["status"], task["stage"], task["kind"], task["model"]) == (
            "task",
            "queued",
            None,
            "image.generate",
            IMAGE,
        )
        assert task["input"] == {"prompt": "a red fox", "duration": 5, "n": 1}
        assert (task["metadata"], task["end_user"], task["priority"]) == ({"album": "42"}, "ann", "low")
        assert (task["outputs"], task["warnings"], task["error"], task["finished_at"]) == ([], [], None, None)

    def test_holds_its_credits(self, api, acme):
        task = api.post("/tasks", {"model": VIDEO, "input": {"prompt": "a red fox", "duration": 3}}).json()
        assert task["cost"] == {"held": 6, "captured": None, "items": [{"what": VIDEO, "credits": 6}], "usage": {}}
        assert books(acme) == (1000, 6)

    def test_expires_when_it_was_told_to(self, api):
        task = api.post("/tasks", ORDER | {"expires_in": 10}).json()
        assert task["created_at"].endswith("Z")
        assert task["created_at"] < task["expires_at"]
        kept = Task.objects.get()
        assert (kept.deadline_at - kept.created_at).total_seconds() == 10

    def test_says_when_to_ask_again(self, api):
        assert 500 <= api.post("/tasks", ORDER).json()["poll_after_ms"] <= 10_000


class TestAWebhookUrl:
    def test_is_kept_with_what_it_is_to_be_told(self, api):
        webhook = {"webhook_url": "https://example.com/hooks?for=42", "webhook_events": ["task.started", "task.failed"]}
        api.post("/tasks", ORDER | webhook)
        api.post("/tasks/batch", {"tasks": [ORDER | webhook]})
        kept = Task.objects.values("webhook_url", "webhook_events")
        assert list(kept) == [webhook, webhook]

    def test_is_not_looked_up_when_the_task_is_made(self, api):
        assert api.post("/tasks", ORDER | {"webhook_url": "https://nobody.invalid/"}).status_code == 201

    def test_inside_is_refused_by_its_field(self, api):
        answer = api.post("/tasks", ORDER | {"webhook_url": "https://169.254.169.254/latest"})
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == ["webhook_url"]
        assert not Task.objects.exists()

    def test_makes_another_request_of_the_same_key(self, api):
        api.post("/tasks", ORDER | {"webhook_url": "https://example.com/a"}, Idempotency_Key="k-1")
        again = api.post("/tasks", ORDER | {"webhook_url": "https://example.com/b"}, Idempotency_Key="k-1")
        assert refusal(again) == (422, "idempotency_key_reused")


class TestAnOrderThatCannotBe:
    def test_names_a_field_that_nobody_knows(self, api):
        answer = api.post("/tasks", ORDER | {"callback_url": "https://example.com"})
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == ["callback_url"]

    def test_names_an_input_that_the_model_does_not_take(self, api):
        answer = api.post("/tasks", {"model": IMAGE, "input": {"prompt": "a red fox", "colour": "red"}})
        assert refusal(answer) == (422, "invalid_input")
        assert "colour" in str(answer.json()["errors"])

    def test_names_a_model_that_there_is_not(self, api):
        answer = api.post("/tasks", {"model": "darkroom/nothing", "input": {}})
        assert refusal(answer) == (422, "invalid_input")
        assert fields(answer) == ["model"]

    @pytest.mark.django_db(transaction=True)
    def test_is_not_bought_on_credit(self, models, zero):
        answer = Api(zero.key).post("/tasks", ORDER)
        assert refusal(answer) == (402, "insufficient_credits")
        assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTheSameIdempotencyKeyAgain:
    def test_gives_the_same_task_and_buys_nothing(self, api, acme):
        first = api.post("/tasks", ORDER, Idempotency_Key="k-1")
        again = api.post("/tasks", ORDER, Idempotency_Key="k-1")
        assert (first.status_code, again.status_code) == (201, 200)
        assert again["Idempotent-Replayed"] == "true"
        assert again["Location"] == first["Location"]
        assert again.json()["id"] == first.json()["id"]
        assert books(acme) == (1000, 3)

    def test_with_another_body_is_refused(self, api):
        api.post("/tasks", ORDER, Idempotency_Key="k-1")
        assert refusal(api.post("/tasks", ORDER | {"priority": "low"}, Idempotency_Key="k-1")) == (422, "idempotency_key_reused")

    def test_of_another_account_is_another_key(self, api, neighbour):
        mine = api.post("/tasks", ORDER, Idempotency_Key="k-1")
        theirs = neighbour.post("/tasks", ORDER, Idempotency_Key="k-1")
        assert (mine.status_code, theirs.status_code) == (201, 201)

    def test_must_be_plain_text(self, api):
        answer = api.post("/tasks", ORDER, Idempotency_Key="x" * 256)
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == ["Idempotency-Key"]


class TestAQuote:
    def test_says_what_the_task_would_cost_and_take(self, api):
        quote = api.post("/tasks/quote", {"model": IMAGE, "input": {"prompt": "a red fox", "n": 4}}).json()
        assert quote == {
            "object": "quote",
            "model": IMAGE,
            "credits": 12,
            "items": [{"what": IMAGE, "credits": 12}],
            "outputs": 4,
            "typical_seconds": 30,
        }

    def test_says_the_most_and_what_it_is_made_of_where_the_price_rests_on_usage(self, api):
        PublicModel.objects.filter(name=IMAGE).update(price="2 * n + 0.01 * tokens", usage={"tokens": "500 * n"})
        catalogue.forget()
        quote = api.post("/tasks/quote", {"model": IMAGE, "input": {"prompt": "a red fox", "n": 4}}).json()
        terms = {"what": IMAGE, "credits": 28, "price": "8 + 0.01 * tokens", "up_to": {"tokens": 2000}}
        assert (quote["credits"], quote["items"]) == (28, [terms])

    def test_buys_nothing(self, api, acme):
        api.post("/tasks/quote", ORDER)
        assert books(acme) == (1000, 0)
        assert not Task.objects.exists()

    def test_refuses_what_creating_would_refuse(self, api):
        assert refusal(api.post("/tasks/quote", {"model": IMAGE, "input": {}})) == (422, "invalid_input")


class TestABatch:
    def test_answers_each_task_in_order(self, api):
        orders = [ORDER, {"model": IMAGE, "input": {}}, ORDER | {"colour": 1}, ORDER | {"metadata": {"n": "3"}}]
        answer = api.post("/tasks/batch", {"tasks": orders})
        results = answer.json()["data"]
        assert answer.status_code == 200
        assert (answer.json()["accepted"], answer.json()["refused"]) == (2, 2)
        assert [list(result) for result in results] == [["task"], ["error"], ["error"], ["task"]]
        assert [results[1]["error"]["code"], results[2]["error"]["code"]] == ["invalid_input", "invalid_request"]
        assert results[3]["task"]["metadata"] == {"n": "3"}

    def test_accepts_until_the_credits_end(self, models, member):
        poor = member("poor", credits=7)
        results = Api(poor.key).post("/tasks/batch", {"tasks": [ORDER] * 4}).json()["data"]
        assert [list(result) for result in results] == [["task"], ["task"], ["error"], ["error"]]
        assert results[2]["error"]["code"] == "insufficient_credits"
        assert books(poor) == (7, 6)

    def test_sent_again_makes_no_task_twice(self, api, acme):
        batch = {"tasks": [ORDER | {"idempotency_key": f"k-{number}"} for number in range(3)]}
        first, again = api.post("/tasks/batch", batch).json(), api.post("/tasks/batch", batch).json()
        assert [result["task"]["id"] for result in again["data"]] == [result["task"]["id"] for result in first["data"]]
        assert Task.objects.count() == 3

    def test_shares_its_keys_with_single_tasks(self, api):
        single = api.post("/tasks", ORDER, Idempotency_Key="k-1").json()
        (result,) = api.post("/tasks/batch", {"tasks": [ORDER | {"idempotency_key": "k-1"}]}).json()["data"]
        assert result["task"]["id"] == single["id"]

    def test_takes_no_key_for_the_whole(self, api):
        answer = api.post("/tasks/batch", {"tasks": [ORDER]}, Idempotency_Key="k-1")
        assert fields(answer) == ["Idempotency-Key"]
        assert not Task.objects.exists()

    def test_needs_no_more_queries_for_more_tasks(self, api, django_assert_max_num_queries):
        api.post("/tasks/batch", {"tasks": [ORDER]})
        with django_assert_max_num_queries(12):
            assert api.post("/tasks/batch", {"tasks": [ORDER] * 200}).json()["accepted"] == 200
