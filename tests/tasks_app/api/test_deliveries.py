"""/webhook-deliveries."""

import pytest
from django.utils import timezone

from tasks_app import ids
from tasks_app.models import Delivery, WebhookEndpoint
from tasks_app.webhooks import endpoints

from .conftest import ORDER, Api, fields, refusal
from .test_schema import described

pytestmark = pytest.mark.django_db

URL = "https://example.com/darkroom"
NOBODYS = "whd_01k8zq3v7m0000000000000000"


@pytest.fixture
def endpoint(acme) -> WebhookEndpoint:
    return endpoints.create(acme.id, url=URL, now=timezone.now()).endpoint


def ended(api: Api, **more) -> str:
    """A task that was canceled; its id."""
    id = api.post("/tasks", ORDER | more).json()["id"]
    assert api.post(f"/tasks/{id}/cancel").status_code == 200
    return id


def listed(api: Api, query: str = "") -> list[dict]:
    answer = api.get(f"/webhook-deliveries{query}")
    described("get", "/webhook-deliveries", answer)
    assert answer.status_code == 200
    return answer.json()["data"]


class TestTheList:
    def test_shows_newest_first_what_is_told_to_whom(self, api, endpoint):
        first, second = ended(api), ended(api)
        found = listed(api)
        assert [one["task"] for one in found] == [second, first]
        assert {(one["endpoint"], one["type"], one["status"], one["url"]) for one in found} == {
            (ids.shown("whe", endpoint.id), "task.canceled", "pending", URL)
        }

    def test_is_filtered_by_task_endpoint_and_status(self, api, endpoint):
        first = ended(api)
        second = ended(api, webhook_url="https://example.org/")
        Delivery.objects.filter(endpoint_id=None).update(status="failed", due_at=None, reason="gone")
        assert len(listed(api)) == 3
        assert [one["task"] for one in listed(api, f"?task={first}")] == [first]
        assert {one["task"] for one in listed(api, f"?endpoint={ids.shown('whe', endpoint.id)}")} == {first, second}
        assert [(one["url"], one["reason"]) for one in listed(api, "?status=failed")] == [("https://example.org/", "gone")]
        assert listed(api, f"?status=failed&task={first}") == []

    def test_comes_in_pages_that_miss_and_repeat_nothing(self, api, endpoint):
        tasks = [ended(api) for _ in range(5)]
        seen, cursor = [], ""
        while cursor is not None:
            page = api.get(f"/webhook-deliveries?limit=2{cursor and '&cursor=' + cursor}").json()
            seen += [one["task"] for one in page["data"]]
            assert page["has_more"] == (page["next_cursor"] is not None)
            cursor = page["next_cursor"]
        assert seen == tasks[::-1]

    def test_leaves_the_bodies_to_the_call_for_one(self, api, endpoint):
        ended(api)
        assert "payload" not in listed(api)[0]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("task=x", "task"),
            ("endpoint=task_01k8zq3v7m0000000000000000", "endpoint"),
            ("status=lost", "status"),
            ("cursor=1", "cursor"),
            ("limit=101", "limit"),
            ("colour=red", "colour"),
        ],
    )
    def test_refuses_a_wrong_filter_by_its_name(self, api, query, field):
        answer = api.get(f"/webhook-deliveries?{query}")
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == [field]


class TestOneDelivery:
    def test_shows_what_was_sent_and_what_was_answered(self, api, endpoint):
        task = ended(api)
        said = {"reason": "refused", "message": "It answered 500."}
        Delivery.objects.update(status="failed", due_at=None, answer_status=500, answer_body="oh no", took_ms=12, tries=8, **said)
        answer = api.get(f"/webhook-deliveries/{listed(api)[0]['id']}")
        described("get", "/webhook-deliveries/{id}", answer)
        delivery = answer.json()
        assert (delivery["payload"]["type"], delivery["payload"]["data"]["id"]) == ("task.canceled", task)
        assert delivery["payload"]["id"] == delivery["id"]
        assert (delivery["answer_status"], delivery["answer_body"], delivery["reason"]) == (500, "oh no", "refused")

    def test_that_is_nobodys_is_not_there(self, api):
        answer = api.get(f"/webhook-deliveries/{NOBODYS}")
        assert refusal(answer) == (404, "not_found")
        described("get", "/webhook-deliveries/{id}", answer)


class TestAReplay:
    def test_queues_a_delivery_that_is_over(self, api, endpoint):
        ended(api)
        Delivery.objects.update(status="delivered", due_at=None, tries=3, finished_at=timezone.now())
        answer = api.post(f"/webhook-deliveries/{listed(api)[0]['id']}/replay")
        described("post", "/webhook-deliveries/{id}/replay", answer)
        assert (answer.status_code, answer.json()["status"], answer.json()["tries"]) == (202, "pending", 0)
        assert answer.json()["next_try_at"] is not None

    def test_is_refused_while_it_is_on_its_way_or_when_its_endpoint_is_gone(self, api, endpoint):
        ended(api)
        path = f"/webhook-deliveries/{listed(api)[0]['id']}/replay"
        answer = api.post(path)
        assert refusal(answer) == (409, "not_replayable")
        described("post", "/webhook-deliveries/{id}/replay", answer)
        endpoints.delete(endpoint, now=timezone.now())
        assert refusal(api.post(path)) == (409, "not_replayable")


class TestTheNeighbour:
    def test_sees_and_replays_nothing_of_acmes(self, api, neighbour, endpoint):
        task = ended(api)
        Delivery.objects.update(status="failed", due_at=None)
        id = listed(api)[0]["id"]
        for query in ("", f"?task={task}", f"?endpoint={ids.shown('whe', endpoint.id)}", "?status=failed"):
            assert listed(neighbour, query) == []
        for answer in (neighbour.get(f"/webhook-deliveries/{id}"), neighbour.post(f"/webhook-deliveries/{id}/replay")):
            assert refusal(answer) == (404, "not_found")
        assert Delivery.objects.get().status == "failed"
