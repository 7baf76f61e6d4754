"""What operators did: all of it on one page, with who, when, to what and why."""

import html
import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from accounts import keys

from .conftest import page, queries_of, shown, signed_in, task_of, text_of

pytestmark = pytest.mark.django_db

LIST = "/admin/admin/logentry/"


@pytest.fixture
def paid(acme, plasma, road):
    task = acme.submits("darkroom/plasma-image")
    road.runs_dry()
    task.refresh_from_db()
    return task


def does(client, url: str, **fields) -> None:
    assert client.post(url, {"_form_submitted": "True", **fields}).status_code == 302


def told(client, **query) -> list[str]:
    """The rows of the list, as they are read."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", text_of(client.get(LIST, query)).partition('id="result_list"')[2], re.DOTALL)
    return [
        text
        for row in rows
        if (text := " ".join(html.unescape(re.sub(r"<[^>]+>", " ", row)).split())) and {"olga", "oskar"} & set(text.split())
    ]


class TestADeed:
    def test_to_a_task_is_told_with_its_reason(self, olga, acme, paid):
        does(olga, page(paid, "refund"), note="green faces")
        text = " ".join(told(olga))
        assert all(words in text for words in ("olga", shown(paid), "3 credits refunded.", "green faces"))
        assert "Why:" not in text

    def test_to_an_account_is_told_with_its_reason(self, olga, acme):
        does(olga, reverse("admin:accounts_account_grant", args=[acme.id]), amount="50", note="invoice 7")
        assert "olga acme account Booked +50 credits. invoice 7" in " ".join(told(olga))

    def test_that_was_refused_is_none(self, olga, acme):
        does(olga, reverse("admin:accounts_account_adjust", args=[acme.id]), amount="-5000", note="too much")
        does(olga, page(task_of(acme, status="storing"), "cancel"))
        assert not LogEntry.objects.exists()

    def test_to_a_key_names_no_secret(self, olga, acme):
        does(olga, reverse("admin:accounts_account_new_key", args=[acme.id]), name="ci")
        key, secret = keys.make(acme.account, "x", now=timezone.now())
        does(olga, reverse("admin:accounts_apikey_revoke", args=[key.id]))
        text = " ".join(told(olga))
        assert "Made the API key" in text
        assert "Revoked" in text
        assert not [word for word in re.findall(r"dk_\S+", text) if len(word) > 17]
        assert secret not in text

    def test_to_a_row_of_the_catalogue_says_which_fields(self, olga, models):
        url = reverse("admin:providers_provider_change", args=[models.id])
        form = {"name": "plasma", "adapter": "scf", "is_enabled": "on", "max_jobs": "3", "new_credentials": '{"api_key": "s3cret-1"}'}
        assert olga.post(url, form).status_code == 302
        text = " ".join(told(olga))
        assert "new_credentials" in text
        assert "s3cret-1" not in text

    def test_is_changed_and_deleted_by_nobody(self, olga, acme, paid):
        does(olga, page(paid, "refund"), note="green faces")
        entry = LogEntry.objects.get()
        text_of(olga.get(f"{LIST}{entry.id}/change/"))
        for path in (f"{LIST}add/", f"{LIST}{entry.id}/delete/"):
            assert olga.post(path, {"post": "yes"}).status_code == 403
        assert olga.post(f"{LIST}{entry.id}/change/", {"object_repr": "nothing"}).status_code == 403


class TestTheList:
    @pytest.fixture
    def two(self, olga, acme, paid) -> None:
        """olga refunded a task; oskar granted credits, two days ago."""
        does(olga, page(paid, "refund"), note="green faces")
        oskar = signed_in(User.objects.create_superuser("oskar"))
        does(oskar, reverse("admin:accounts_account_grant", args=[acme.id]), amount="50", note="invoice 7")
        LogEntry.objects.filter(user__username="oskar").update(action_time=timezone.now() - timedelta(days=2))

    def is_told(self, client, **query) -> set[str]:
        text = " ".join(told(client, **query))
        return {words for words in ("refunded", "Booked") if words in text}

    def test_is_narrowed_by_operator(self, olga, two):
        assert self.is_told(olga, user=User.objects.get(username="oskar").id) == {"Booked"}

    def test_is_narrowed_by_what_it_was_done_to(self, olga, two, paid):
        assert self.is_told(olga, content_type=LogEntry.objects.get(user__username="olga").content_type_id) == {"refunded"}

    def test_is_narrowed_by_time(self, olga, two):
        assert self.is_told(olga, when="24h") == {"refunded"}
        assert self.is_told(olga, when="7d") == {"refunded", "Booked"}

    @pytest.mark.parametrize(("term", "found"), [("invoice", {"Booked"}), ("task_", {"refunded"}), ("nothing", set())])
    def test_is_searched(self, olga, two, term, found):
        assert self.is_told(olga, q=term) == found

    def test_costs_the_same_number_of_queries_however_many(self, olga, two, acme):
        few = len(queries_of(olga, LIST))
        for _ in range(6):
            does(olga, reverse("admin:accounts_account_grant", args=[acme.id]), amount="1", note="again")
        assert len(queries_of(olga, LIST)) == few
