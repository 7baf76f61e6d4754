"""/studio/session: the door of the studio."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts import keys, sessions

pytestmark = pytest.mark.django_db

OURS = {"Sec-Fetch-Site": "same-origin"}


def signs_in(browser: Client, body, **headers):
    return browser.post("/studio/session", body, content_type="application/json", headers=headers or OURS)


class TestSigningIn:
    def test_opens_a_session_and_answers_nothing_to_keep(self, client, acme):
        answer = signs_in(client, {"key": f" {acme.key}\n"})
        assert (answer.status_code, answer.content) == (204, b"")
        assert acme.key not in str(answer.cookies)
        assert client.get("/api/v1/account").json()["name"] == "acme"

    @pytest.mark.parametrize("key", ["", "dk_short", f"dk_{'x' * 43}"])
    def test_needs_a_key_that_is_one(self, client, key):
        answer = signs_in(client, {"key": key})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert not answer.cookies

    @pytest.mark.parametrize(("body", "field"), [({}, "key"), ({"key": 7}, "key"), ({"key": "x", "name": "y"}, "name")])
    def test_says_what_is_wrong_with_its_body(self, client, body, field):
        answer = signs_in(client, body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)

    @pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://example.com"}, {"X-Nothing": "said"}])
    def test_is_not_done_by_another_page_in_somebodys_name(self, client, acme, headers):
        answer = signs_in(client, {"key": acme.key}, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
        assert not answer.cookies

    def test_works_with_a_key_that_only_reads(self, client, acme):
        _, key = keys.make(acme.account, "reads", now=acme.clock(), read_only=True)
        assert signs_in(client, {"key": key}).status_code == 204

    def test_is_refused_where_the_key_would_be(self, client, acme):
        _, elsewhere = keys.make(acme.account, "net", now=acme.clock(), only_networks="203.0.113.0/24")
        _, over = keys.make(acme.account, "old", now=acme.clock(), expires_at=datetime.now(UTC) - timedelta(days=1))
        assert [signs_in(client, {"key": key}).status_code for key in (elsewhere, over)] == [403, 401]


class TestSigningOut:
    def test_has_the_browser_forget(self, client, acme):
        signs_in(client, {"key": acme.key})
        answer = client.delete("/studio/session", headers=OURS)
        cookie = answer.cookies[sessions.name()]
        assert (answer.status_code, cookie.value, cookie["max-age"]) == (204, "", 0)
        assert client.get("/api/v1/account").status_code == 401

    def test_is_not_done_by_another_page(self, client, acme):
        signs_in(client, {"key": acme.key})
        assert client.delete("/studio/session", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
