"""What every request gets: an id of its own, and one access line."""

import logging

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from config.middleware import RequestMiddleware
from tasks_app import context


@pytest.fixture
def ask(caplog):
    """Sends one request through the middleware to a view that notes what it saw."""
    caplog.set_level(logging.INFO, "access")
    seen = {}

    def view(request):
        seen["id"] = context.request_id.get()
        request.user = seen.get("user")
        return HttpResponse(status=201)

    def send(path="/api/v1/tasks?prompt=private", *, user=None, **headers):
        seen["user"] = user
        response = RequestMiddleware(view)(RequestFactory().post(path, headers=headers))
        return response, seen

    return send


class TestTheRequestId:
    def test_a_sane_one_of_the_client_is_kept_and_echoed(self, ask):
        response, seen = ask(**{"X-Request-ID": "order-17.a_b"})
        assert response["X-Request-ID"] == seen["id"] == "order-17.a_b"

    @pytest.mark.parametrize("given", ["", "a b", "a" * 65, "x\tforged", "ünsound"])
    def test_any_other_is_replaced_by_one_of_ours(self, ask, given):
        response, seen = ask(**{"X-Request-ID": given})
        assert response["X-Request-ID"] == seen["id"] != given
        assert seen["id"].startswith("req_")

    def test_no_two_requests_share_one(self, ask):
        assert ask()[0]["X-Request-ID"] != ask()[0]["X-Request-ID"]

    def test_it_is_forgotten_when_the_request_is_over(self, ask):
        ask()
        assert context.request_id.get() == ""


class TestTheAccessLine:
    def test_it_says_method_path_status_time_and_account(self, ask, caplog):
        class Caller:
            account_id = 7

        ask(user=Caller())
        line = caplog.records[-1]
        assert (line.method, line.path, line.status, line.account_id) == ("POST", "/api/v1/tasks", 201, 7)
        assert 0 <= line.ms < 10_000

    def test_the_query_is_not_in_it(self, ask, caplog):
        ask()
        assert "private" not in caplog.text

    def test_djangos_lazy_user_is_not_woken_for_it(self, ask, caplog):
        ask(user=SimpleLazyObject(lambda: pytest.fail("woken")))
        assert caplog.records[-1].account_id is None

    def test_pages_and_probes_outside_the_api_leave_none(self, ask, caplog):
        ask("/healthz")
        assert not caplog.records


@pytest.mark.django_db
class TestDjangosOwnMiddleware:
    def test_lets_calls_to_the_api_pass_by(self, client):
        answer = client.get("/api/v1/tasks")
        assert "X-Frame-Options" not in answer
        assert not hasattr(answer.wsgi_request, "session")

    def test_stands_before_pages(self, client):
        answer = client.get("/admin/login/")
        assert answer["X-Frame-Options"] == "DENY"
        assert "csrftoken" in answer.cookies

    def test_refuses_a_form_without_its_token(self):
        answer = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "root", "password": "x"})
        assert answer.status_code == 403
