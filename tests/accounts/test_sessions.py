"""Sessions as the API meets them: a cookie beside the Bearer scheme, by both ways that lead to a view."""

import json
from datetime import timedelta
from functools import partial
from io import BytesIO

import pytest
import time_machine
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts import keys, sessions
from accounts.models import ApiKey

pytestmark = pytest.mark.django_db(transaction=True)

OURS, OTHERS = {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "cross-site"}
BODY = json.dumps({"name": "from a session"})


@pytest.fixture
def made(acme):
    return keys.make(acme, "ci", now=timezone.now())


@pytest.fixture
def browser(made) -> Client:
    """A browser in which acme is signed in by the key that was `made`."""
    return in_session(made[1])


def in_session(key: str) -> Client:
    answer, caller = HttpResponse(), keys.find(key, now=timezone.now())
    sessions.begin(answer, caller, now=timezone.now())
    browser = Client()
    browser.cookies = answer.cookies
    return browser


def writes(browser: Client, **headers: str):
    return browser.post("/api/v1/keys", BODY, content_type="application/json", headers=headers)


class TestASession:
    def test_reads_what_its_key_reads(self, browser):
        assert browser.get("/api/v1/account").json()["name"] == "acme"

    def test_does_not_hold_the_key(self, browser, made):
        assert made[1] not in browser.cookies[sessions.name()].value

    def test_writes_from_a_page_of_ours(self, browser):
        assert writes(browser, **OURS).status_code == 201

    def test_reaches_the_view_past_djangos_middleware_too(self, browser, acme):
        from config.wsgi import application

        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": "/api/v1/account",
            "SERVER_NAME": "x",
            "SERVER_PORT": "80",
            "wsgi.input": BytesIO(),
        }
        environ["HTTP_COOKIE"] = browser.cookies.output(header="", attrs=[]).strip()
        assert json.loads(b"".join(application(environ, lambda *told: None)))["name"] == "acme"

    def test_costs_one_look_up_at_most(self, browser, django_assert_max_num_queries):
        find = partial(sessions.find, {name: one.value for name, one in browser.cookies.items()}, now=timezone.now())
        find()  # this one notes the time of use as well
        with django_assert_max_num_queries(1):
            find()

    def test_that_stands_beside_a_key_gives_way_to_it(self, browser, open_account):
        _, key = keys.make(open_account("bolt"), "ci", now=timezone.now())
        assert browser.get("/api/v1/account", headers={"Authorization": f"Bearer {key}"}).json()["name"] == "bolt"
        assert browser.get("/api/v1/account", headers={"Authorization": "Bearer dk_wrong"}).status_code == 401


class TestTheCookie:
    def test_is_kept_from_scripts_and_from_other_sites(self, browser):
        cookie = browser.cookies[sessions.name()]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Strict", "/", "")
        assert cookie["max-age"] == sessions.LASTS.total_seconds()

    def test_is_for_https_only_where_that_is_how_we_are_reached(self, made, settings):
        assert not in_session(made[1]).cookies["studio"]["secure"]
        settings.SESSION_COOKIE_SECURE = True
        assert in_session(made[1]).cookies["__Host-studio"]["secure"]

    @pytest.mark.parametrize("text", ["", "x", "WzEsOTk5OTk5OTk5OV0:1tabcd:c2lnbmF0dXJl", "ü"])
    def test_that_nobody_here_signed_is_none(self, browser, text):
        browser.cookies[sessions.name()] = text
        assert browser.get("/api/v1/account").status_code == 401

    def test_that_is_of_another_use_of_our_signatures_is_none(self, browser, made):
        from django.core import signing

        browser.cookies[sessions.name()] = signing.dumps([made[0].id, 9_999_999_999], salt="another")
        assert browser.get("/api/v1/account").status_code == 401


class TestTheEnd:
    def test_comes_with_the_keys_at_once(self, browser, made):
        assert browser.get("/api/v1/account").status_code == 200
        keys.revoke(made[0], now=timezone.now())
        assert browser.get("/api/v1/account").status_code == 401

    def test_comes_after_a_week(self, browser):
        with time_machine.travel(timezone.now() + sessions.LASTS - timedelta(minutes=1)):
            assert browser.get("/api/v1/account").status_code == 200
        with time_machine.travel(timezone.now() + sessions.LASTS + timedelta(minutes=1)):
            assert browser.get("/api/v1/account").status_code == 401

    def test_comes_when_the_key_expires(self, acme):
        _, key = keys.make(acme, "short", now=timezone.now(), expires_at=timezone.now() + timedelta(hours=1))
        browser = in_session(key)
        with time_machine.travel(timezone.now() + timedelta(hours=2)):
            assert browser.get("/api/v1/account").status_code == 401


class TestAnotherPage:
    """A neighbour on another port is of the same site to a cookie, and another origin to us."""

    @pytest.mark.parametrize(
        "headers",
        [
            OTHERS,
            {"Sec-Fetch-Site": "same-site"},
            {"Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
            {"Origin": "http://testserver:8001"},
            {"Origin": "https://example.com"},
            {"Origin": "null"},
            {"Origin": "http://testserver@example.com"},
            {},
        ],
    )
    def test_changes_nothing_and_is_told_why(self, browser, headers):
        answer = writes(browser, **headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
        assert "pages of this server only" in answer.json()["detail"]
        assert ApiKey.objects.count() == 1

    @pytest.mark.parametrize("headers", [OURS, {"Origin": "http://testserver"}, {"Origin": "https://darkroom.example"}])
    def test_of_this_server_is_none(self, browser, headers, settings):
        settings.PUBLIC_URL = "https://darkroom.example"  # a proxy's, which may tell us another Host
        browser.defaults["HTTP_HOST"] = "testserver"
        settings.ALLOWED_HOSTS = ["*"]
        assert writes(browser, **headers).status_code == 201

    def test_may_show_what_a_get_answers(self, browser):
        assert browser.get("/api/v1/account", headers=OTHERS).status_code == 200

    def test_is_no_matter_to_a_key(self, made):
        assert writes(Client(headers={"Authorization": f"Bearer {made[1]}"}), **OTHERS).status_code == 201


class TestARestrictedKey:
    def test_restricts_its_sessions(self, acme):
        reads = in_session(keys.make(acme, "reads", now=timezone.now(), read_only=True)[1])
        assert reads.get("/api/v1/account").status_code == 200
        assert writes(reads, **OURS).json()["code"] == "forbidden_by_key"
        elsewhere = in_session(keys.make(acme, "net", now=timezone.now(), only_networks="203.0.113.0/24")[1])
        assert elsewhere.get("/api/v1/account").json()["code"] == "forbidden_by_key"
