"""/webhook-endpoints and /account/webhook-secret."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tasks_app import ids
from tasks_app.models import Delivery, WebhookEndpoint, WebhookSecret
from tasks_app.webhooks import endpoints, events

from .conftest import Api, fields, refusal
from .test_schema import described

pytestmark = pytest.mark.django_db

URL = "https://example.com/darkroom"
NOBODYS = "whe_01k8zq3v7m0000000000000000"


def made(api, **more) -> dict:
    answer = api.post("/webhook-endpoints", {"url": URL} | more)
    assert answer.status_code == 201
    return answer.json()


def patch(api, id, body):
    return api.sends("PATCH", f"/webhook-endpoints/{id}", data=body, content_type="application/json")


class TestANewEndpoint:
    def test_shows_its_secret_this_once(self, api):
        answer = api.post("/webhook-endpoints", {"url": URL, "description": "ours", "events": ["task.failed"]})
        described("post", "/webhook-endpoints", answer)
        endpoint = answer.json()
        assert endpoint["secret"].startswith("whsec_")
        assert answer["Location"].endswith(f"/api/v1/webhook-endpoints/{endpoint['id']}")
        again = api.get(f"/webhook-endpoints/{endpoint['id']}").json()
        assert again == {name: value for name, value in endpoint.items() if name != "secret"}
        assert (again["url"], again["description"], again["events"], again["enabled"]) == (URL, "ours", ["task.failed"], True)

    def test_hears_how_tasks_end_where_it_asks_for_nothing_else(self, api):
        assert made(api)["events"] == list(events.ENDINGS)

    def test_keeps_its_secret_sealed(self, api):
        secret = made(api)["secret"]
        assert secret not in repr(list(WebhookEndpoint.objects.values()))

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "url"),
            ({"url": 7}, "url"),
            ({"url": "http://example.com/"}, "url"),
            ({"url": "https://user:word@example.com/"}, "url"),
            ({"url": "https://192.168.0.1/"}, "url"),
            ({"url": URL, "events": []}, "events"),
            ({"url": URL, "events": ["webhook.test"]}, "events"),
            ({"url": URL, "description": "d" * 201}, "description"),
            ({"url": URL, "enabled": True}, "enabled"),
            ({"url": URL, "secret": "whsec_mine"}, "secret"),
        ],
    )
    def test_that_is_wrong_is_refused_by_the_name_of_the_field(self, api, body, field):
        answer = api.post("/webhook-endpoints", body)
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == [field]

    def test_is_one_of_ten_at_most(self, api, neighbour):
        for _ in range(endpoints.MOST):
            made(api)
        answer = api.post("/webhook-endpoints", {"url": URL})
        assert refusal(answer) == (409, "too_many_endpoints")
        described("post", "/webhook-endpoints", answer)
        made(neighbour)


class TestTheList:
    def test_has_all_of_the_accounts_newest_first_and_no_secret(self, api, neighbour):
        first, second = made(api), made(api)
        made(neighbour)
        answer = api.get("/webhook-endpoints")
        described("get", "/webhook-endpoints", answer)
        assert [one["id"] for one in answer.json()["data"]] == [second["id"], first["id"]]
        assert "whsec_" not in answer.content.decode()


class TestAChange:
    def test_changes_what_it_names_and_nothing_else(self, api):
        endpoint = made(api, description="ours")
        answer = patch(api, endpoint["id"], '{"url": "https://example.com/new", "events": ["task.started"]}')
        described("patch", "/webhook-endpoints/{id}", answer)
        assert (answer.json()["url"], answer.json()["events"]) == ("https://example.com/new", ["task.started"])
        assert answer.json()["description"] == "ours"
        assert patch(api, endpoint["id"], "{}").json() == answer.json()

    def test_disables_and_enables(self, api):
        endpoint = made(api)
        disabled = patch(api, endpoint["id"], '{"enabled": false}').json()
        assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "The account disabled it.")
        enabled = patch(api, endpoint["id"], '{"enabled": true}').json()
        assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)

    def test_forgets_the_failures_of_one_that_is_enabled_again(self, api):
        endpoint = made(api)
        WebhookEndpoint.objects.update(is_enabled=False, disabled_reason="…", failing_since=timezone.now() - timedelta(days=9))
        assert patch(api, endpoint["id"], '{"enabled": true}').json()["failing_since"] is None

    @pytest.mark.parametrize("body", ['{"enabled": 1}', '{"url": "https://localhost:1/"}', '{"secret": "x"}'])
    def test_that_is_wrong_changes_nothing(self, api, body):
        endpoint = made(api)
        answer = patch(api, endpoint["id"], body)
        assert refusal(answer) == (422, "invalid_request")
        described("patch", "/webhook-endpoints/{id}", answer)
        assert api.get(f"/webhook-endpoints/{endpoint['id']}").json()["url"] == URL


class TestARotation:
    def test_shows_the_new_secret_and_until_when_the_old_one_signs(self, api):
        endpoint = made(api)
        answer = api.post(f"/webhook-endpoints/{endpoint['id']}/rotate-secret")
        described("post", "/webhook-endpoints/{id}/rotate-secret", answer)
        assert answer.json()["secret"] != endpoint["secret"]
        assert answer.json()["old_secret_until"] > endpoint["created_at"]
        assert "no-cache" in answer["Cache-Control"]


class TestATest:
    def test_queues_a_delivery_that_says_so(self, api):
        endpoint = made(api)
        answer = api.post(f"/webhook-endpoints/{endpoint['id']}/test")
        described("post", "/webhook-endpoints/{id}/test", answer)
        assert answer.status_code == 202
        assert (answer.json()["type"], answer.json()["status"], answer.json()["task"]) == ("webhook.test", "pending", None)
        read = api.get(f"/webhook-deliveries/{answer.json()['id']}")
        described("get", "/webhook-deliveries/{id}", read)
        assert read.json()["payload"]["data"] == {"object": "webhook_endpoint", "id": endpoint["id"]}


class TestADeletion:
    def test_takes_the_endpoint_and_leaves_its_deliveries(self, api):
        endpoint = made(api)
        api.post(f"/webhook-endpoints/{endpoint['id']}/test")
        answer = api.delete(f"/webhook-endpoints/{endpoint['id']}")
        described("delete", "/webhook-endpoints/{id}", answer)
        assert refusal(api.get(f"/webhook-endpoints/{endpoint['id']}")) == (404, "not_found")
        (delivery,) = api.get("/webhook-deliveries").json()["data"]
        assert (delivery["endpoint"], delivery["status"], delivery["reason"]) == (endpoint["id"], "failed", "endpoint_deleted")


class TestTheNeighbour:
    def test_finds_nothing_of_acmes_and_changes_nothing(self, api, neighbour):
        id = made(api)["id"]
        path = f"/webhook-endpoints/{id}"
        for answer in (
            neighbour.get(path),
            patch(neighbour, id, '{"enabled": false}'),
            neighbour.post(f"{path}/rotate-secret"),
            neighbour.post(f"{path}/test"),
            neighbour.delete(path),
        ):
            assert refusal(answer) == refusal(neighbour.get(f"/webhook-endpoints/{NOBODYS}")) == (404, "not_found")
        assert neighbour.get("/webhook-endpoints").json()["data"] == []
        assert (WebhookEndpoint.objects.get().is_enabled, Delivery.objects.count()) == (True, 0)

    def test_needs_a_key_as_everyone_does(self, models):
        assert refusal(Api().get("/webhook-endpoints")) == (401, "unauthenticated")


class TestTheAccountsOwnSecret:
    def test_is_made_when_first_asked_for_and_then_stays(self, api, neighbour):
        first, again = (api.get("/account/webhook-secret") for _ in range(2))
        described("get", "/account/webhook-secret", first)
        assert first.json() == again.json()
        assert first.json()["old_secret_until"] is None
        assert neighbour.get("/account/webhook-secret").json()["secret"] != first.json()["secret"]

    def test_is_sealed_at_rest(self, api):
        secret = api.get("/account/webhook-secret").json()["secret"]
        assert secret not in repr(list(WebhookSecret.objects.values()))

    def test_can_be_rotated(self, api):
        first = api.get("/account/webhook-secret").json()
        answer = api.post("/account/webhook-secret/rotate")
        described("post", "/account/webhook-secret/rotate", answer)
        assert answer.json()["secret"] != first["secret"]
        assert api.get("/account/webhook-secret").json() == answer.json()


def test_an_id_is_shown_as_others_are(api):
    assert ids.parse("whe", made(api)["id"]) == WebhookEndpoint.objects.get().id
