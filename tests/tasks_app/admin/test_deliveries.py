"""Webhook deliveries and endpoints, as an operator sees them, and what they do about them."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from tasks_app import ids
from tasks_app.models import Delivery, WebhookEndpoint
from tasks_app.webhooks import endpoints

from .conftest import list_of, page, queries_of, shown, task_of, text_of

pytestmark = pytest.mark.django_db

URL = "https://shop.example/hooks"


@pytest.fixture
def made(acme) -> endpoints.Made:
    return endpoints.create(acme.id, url=URL, now=timezone.now())


@pytest.fixture
def delivery_of(acme, made, models):
    """A delivery of acme's, failed unless said otherwise."""

    def make(status: str = "failed", **columns) -> Delivery:
        task = task_of(acme, status="succeeded", finished_at=timezone.now())
        facts = {"type": "task.succeeded", "sequence": 2, "lane": "", "url": URL, "payload": '{"data": {"prompt": "狐"}}', "tries": 8}
        tried = {
            "tried_at": timezone.now(),
            "took_ms": 214,
            "answer_status": 500,
            "answer_body": "<b>oops</b>",
            "message": "It answered 500.",
        }
        defaults = (
            facts | tried | {"endpoint_id": made.endpoint.id, "task_id": task.id, "created_at": timezone.now(), "account_id": acme.id}
        )
        return Delivery.objects.create(status=status, **(defaults | columns))

    return make


def listed(client, model: str = "delivery", **query) -> list[str]:
    return re.findall(rf'<a href="/admin/tasks_app/{model}/([a-z0-9_]+)/change/', text_of(client.get(list_of(model), query)))


def does(client, row, verb: str, **fields) -> str:
    return text_of(client.post(page(row, verb), {"_form_submitted": "True", **fields}, follow=True))


class TestADelivery:
    def test_tells_what_was_sent_and_what_came_back(self, olga, delivery_of):
        delivery = delivery_of()
        text = text_of(olga.get(page(delivery)))
        assert all(words in text for words in (URL, "HTTP 500", "214 ms", "It answered 500.", "狐", "&lt;b&gt;oops&lt;/b&gt;", "8 tries"))

    def test_leads_to_its_task_its_endpoint_and_its_account(self, olga, acme, made, delivery_of):
        delivery = delivery_of()
        text = text_of(olga.get(page(delivery)))
        for address in (f"task/{ids.shown('task', delivery.task_id)}", f"webhookendpoint/{made.endpoint}"):
            assert f"/admin/tasks_app/{address}/change/" in text
        assert f"/admin/accounts/account/{acme.id}/change/" in text

    def test_is_found_by_itself_its_task_its_endpoint_or_its_account(self, olga, bolt, made, delivery_of):
        delivery, other = delivery_of(), delivery_of(account_id=bolt.id, endpoint_id=None)
        assert listed(olga, q=str(delivery)) == [str(delivery)]
        assert listed(olga, q=ids.shown("task", other.task_id)) == [str(other)]
        assert listed(olga, q=str(made.endpoint)) == [str(delivery)]
        assert listed(olga, q="bol") == [str(other)]

    def test_is_narrowed_by_status(self, olga, delivery_of):
        delivery_of(), delivery_of("delivered")
        assert len(listed(olga, status="delivered")) == 1

    def test_is_listed_without_its_bodies(self, olga, delivery_of):
        delivery_of()
        assert not [sql for sql in queries_of(olga, list_of("delivery")) if "answer_body" in sql]


class TestAReplay:
    def test_sends_it_once_more_in_the_operators_name(self, olga, delivery_of):
        delivery = delivery_of()
        assert f"{delivery}: is sent once more." in does(olga, delivery, "replay")
        delivery.refresh_from_db()
        assert (delivery.status, delivery.tries) == ("pending", 0)
        assert LogEntry.objects.get().object_repr == str(delivery)

    def test_of_several_says_what_came_of_each(self, olga, delivery_of):
        failed, open_one = delivery_of(), delivery_of("sending")
        form = {"action": "replay_selected", "_selected_action": [str(failed.pk), str(open_one.pk)]}
        text = text_of(olga.post(list_of("delivery"), form, follow=True))
        assert f"{failed}: is sent once more." in text
        assert "It is still on its way" in text

    def test_of_what_goes_to_nobody_is_refused(self, olga, made, delivery_of):
        delivery = delivery_of()
        WebhookEndpoint.objects.all().delete()
        assert "Its endpoint was deleted" in does(olga, delivery, "replay")

    def test_is_offered_once_it_is_over(self, olga, delivery_of):
        assert page(delivery_of(), "replay") in text_of(olga.get(page(Delivery.objects.get())))
        Delivery.objects.update(status="pending")
        assert page(Delivery.objects.get(), "replay") not in text_of(olga.get(page(Delivery.objects.get())))

    def test_is_for_those_who_may(self, vera, delivery_of):
        assert vera.post(page(delivery_of(), "replay"), {"_form_submitted": "True"}).status_code == 403


class TestAnEndpoint:
    def test_tells_how_it_goes_and_shows_no_secret(self, olga, made):
        text = text_of(olga.get(page(made.endpoint)))
        assert URL in text
        assert made.secret not in text
        assert made.endpoint.sealed not in text

    def test_is_disabled_with_a_reason_that_its_owner_reads(self, olga, made, delivery_of):
        waiting = delivery_of("pending", due_at=timezone.now(), lane=f"{made.endpoint.account_id}@{made.endpoint}")
        assert "what waited for it is given up." in does(olga, made.endpoint, "disable", note="It leaks.")
        made.endpoint.refresh_from_db()
        waiting.refresh_from_db()
        assert (made.endpoint.is_enabled, made.endpoint.disabled_reason, waiting.status) == (False, "It leaks.", "failed")

    def test_is_disabled_by_those_who_may(self, vera, made):
        assert vera.post(page(made.endpoint, "disable"), {"_form_submitted": "True", "note": "n"}).status_code == 403

    def test_is_found_by_its_account(self, olga, bolt, made):
        assert listed(olga, "webhookendpoint", q="acm") == [str(made.endpoint)]
        assert listed(olga, "webhookendpoint", q="bolt") == []
        assert ids.parse("task", shown(task_of(bolt)))
