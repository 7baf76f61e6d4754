"""A restricted key, at each call that makes a task."""

import pytest

from accounts import keys
from accounts.models import ApiKey
from tests.tasks_app.api.conftest import IMAGE, ORDER, VIDEO, Api, books, refusal, shown, task_of

pytestmark = pytest.mark.django_db

OTHER = {"model": VIDEO, "input": {"prompt": "a red fox", "duration": 5}}


@pytest.fixture
def restricted(acme, models):
    """acme's client with a key that has these restrictions."""

    def make(**scope) -> Api:
        return Api(keys.make(acme.account, "restricted", now=acme.clock(), **scope)[1])

    return make


def used() -> int:
    return ApiKey.objects.values_list("credits_used", flat=True).get(name="restricted")


class TestAKeyOfOneModel:
    @pytest.fixture
    def api(self, restricted):
        return restricted(only_models=IMAGE)

    def test_makes_tasks_of_it(self, api):
        assert api.post("/tasks", ORDER).status_code == 201

    @pytest.mark.parametrize("path", ["/tasks", "/tasks/quote"])
    def test_is_refused_another_by_name(self, api, path, acme):
        answer = api.post(path, OTHER)
        assert refusal(answer) == (403, "forbidden_by_key")
        assert VIDEO in answer.json()["detail"]
        assert books(acme) == (1000, 0)

    def test_is_refused_another_within_a_batch(self, api):
        body = api.post("/tasks/batch", {"tasks": [ORDER, OTHER]}).json()
        assert body["accepted"] == 1
        assert body["data"][1]["error"]["code"] == "forbidden_by_key"

    def test_cannot_repeat_a_task_of_another(self, api, acme):
        task = task_of(acme, model=VIDEO, kind="video.generate", status="failed", input=OTHER["input"])
        assert refusal(api.post(f"/tasks/{shown(task)}/retry")) == (403, "forbidden_by_key")


class TestAKeyThatOnlyReads:
    def test_reads_what_the_account_has_and_changes_nothing(self, restricted, acme):
        api, path = restricted(read_only=True), f"/tasks/{shown(task_of(acme))}"
        assert api.get(path).status_code == 200
        for answer in (api.post("/tasks", ORDER), api.post(f"{path}/cancel"), api.delete(path), api.uploads()):
            assert refusal(answer) == (403, "forbidden_by_key")


class TestAKeyWithABudget:
    def test_buys_until_it_is_used_up(self, restricted, acme):
        api = restricted(credits_limit=7)
        assert [api.post("/tasks", ORDER).status_code for _ in range(3)] == [201, 201, 403]
        assert (used(), books(acme)) == (6, (1000, 6))

    def test_refuses_each_task_of_a_batch_that_is_too_much(self, restricted, acme):
        body = restricted(credits_limit=7).post("/tasks/batch", {"tasks": [ORDER] * 4}).json()
        assert [("task" in one) for one in body["data"]] == [True, True, False, False]
        assert body["data"][3]["error"]["code"] == "forbidden_by_key"
        assert (used(), books(acme)) == (6, (1000, 6))

    @pytest.mark.django_db(transaction=True)
    def test_counts_a_replay_once(self, restricted):
        api = restricted(credits_limit=7)
        assert [api.post("/tasks", ORDER, Idempotency_Key="k").status_code for _ in range(2)] == [201, 200]
        assert used() == 3

    def test_is_not_drawn_from_where_the_account_has_too_little(self, zero, models):
        api = Api(keys.make(zero.account, "restricted", now=zero.clock(), credits_limit=7)[1])
        assert refusal(api.post("/tasks", ORDER)) == (402, "insufficient_credits")
        assert used() == 0

    def test_gets_back_what_a_canceled_task_held(self, restricted):
        api = restricted(credits_limit=7)
        path = f"/tasks/{api.post('/tasks', ORDER).json()['id']}"
        assert used() == 3
        assert api.post(f"{path}/cancel").json()["status"] == "canceled"
        assert used() == 0
