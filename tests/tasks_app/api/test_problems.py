"""What every call refuses, and how."""

import orjson
import pytest
from django.db import OperationalError
from rest_framework.exceptions import APIException

from tasks_app.api import problems
from tasks_app.api.json import BODY_LIMIT

from .conftest import ORDER, Api, fields, refusal

pytestmark = pytest.mark.django_db


class TestAProblem:
    def test_says_all_that_rfc_9457_and_a_client_want(self, api):
        problem = api.post("/tasks", ORDER | {"priority": "high"}, X_Request_ID="r-17").json()
        assert problem == {
            "type": "urn:darkroom:problem:invalid_request",
            "title": "The request is wrong",
            "status": 422,
            "detail": 'priority must be "normal" or "low".',
            "code": "invalid_request",
            "request_id": "r-17",
            "errors": [{"field": "priority", "message": 'must be "normal" or "low"'}],
        }


class TestACallerWithoutAKey:
    @pytest.mark.parametrize("path", ["/tasks", "/account", "/models", "/usage", "/tasks/x", "/outputs/x/content", "/files/x"])
    def test_is_asked_for_one(self, path):
        answer = Api().get(path)
        assert refusal(answer) == (401, "unauthenticated")
        assert answer["WWW-Authenticate"] == "Bearer"
        assert "Authorization: Bearer" in answer.json()["detail"]

    def test_is_not_told_what_is_wrong_with_the_rest(self):
        assert refusal(Api("dk_wrong").post("/tasks", b"{")) == (401, "unauthenticated")

    def test_learns_that_a_path_does_not_exist(self):
        assert refusal(Api().get("/nothing/here")) == (404, "not_found")


class TestABody:
    @pytest.mark.parametrize("body", [b"{", b"{'model': 1}", b"NaN", b'{"a": 1e999}', b'"\\ud800"', b"\xff\xfe", b"[" * 5000])
    def test_that_is_not_json_is_refused(self, api, body):
        assert refusal(api.post("/tasks", body)) == (400, "malformed_json")

    @pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"])
    def test_of_another_type_is_refused(self, api, content_type):
        answer = api.post("/tasks", b"model=x", content_type=content_type)
        assert refusal(answer) == (415, "unsupported_media_type")
        assert content_type.split(";")[0] in answer.json()["detail"]

    def test_that_is_empty_lacks_all_that_is_required(self, api):
        assert fields(api.post("/tasks")) == ["model", "input"]

    def test_may_name_its_charset(self, api):
        assert api.post("/tasks", ORDER, content_type="application/json; charset=utf-8").status_code == 201

    def test_that_is_too_large_is_refused(self, api):
        assert refusal(api.post("/tasks", b" " * BODY_LIMIT + b"{}")) == (413, "too_large")

    def test_of_untold_length_is_refused(self, api):
        assert refusal(api.sends("POST", "/tasks", HTTP_TRANSFER_ENCODING="chunked")) == (411, "length_required")


class TestAMethod:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [("PUT", "/tasks", {"GET", "POST", "HEAD"}), ("GET", "/tasks/batch", {"POST"}), ("POST", "/account", {"GET", "HEAD"})],
    )
    def test_that_is_not_known_here_is_refused_and_the_others_named(self, api, method, path, allowed):
        answer = api.sends(method, path)
        assert refusal(answer) == (405, "method_not_allowed")
        assert set(answer["Allow"].split(", ")) == allowed

    def test_is_refused_before_its_parameters_are(self, api):
        assert refusal(api.sends("TRACE", "/models", QUERY_STRING="colour=red")) == (405, "method_not_allowed")

    def test_options_is_none_of_them(self, api):
        assert refusal(api.sends("OPTIONS", "/tasks")) == (405, "method_not_allowed")


class TestHead:
    @pytest.mark.parametrize("path", ["/account", "/tasks", "/models", "/tasks/x", "/nothing"])
    def test_answers_as_get_does_but_for_the_body(self, api, path):
        head, get = api.head(path), api.get(path)
        assert (head.status_code, head["Content-Type"], head.content) == (get.status_code, get["Content-Type"], b"")
        assert abs(int(head["Content-Length"]) - len(get.content)) < 2


class TestTheAcceptHeader:
    @pytest.mark.parametrize("accept", ["application/xml", "text/html;q=0.9, image/webp"])
    def test_that_takes_no_json_is_refused(self, api, accept):
        assert refusal(api.get("/account", Accept=accept)) == (406, "not_acceptable")

    @pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, */*;q=0.1", "application/problem+json", "application/*"])
    def test_that_takes_json_is_served(self, api, accept):
        answer = api.get("/account", Accept=accept)
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


class TestAQueryParameter:
    @pytest.mark.parametrize("path", ["/account", "/models", "/usage", "/tasks", "/files/file_01k8zq3v7m0000000000000000"])
    def test_that_nobody_knows_is_named(self, api, path):
        answer = api.get(f"{path}?colour=red")
        assert refusal(answer) == (422, "invalid_request")
        assert fields(answer) == ["colour"]

    def test_of_a_get_is_none_of_a_post(self, api):
        assert fields(api.post("/tasks?limit=5", ORDER)) == ["limit"]


class TestWhatNobodyForesaw:
    def test_is_a_500_that_says_nothing_of_its_cause(self, caplog):
        problem = problems.judged(ValueError("password=hunter2"))
        assert (problem.status, problem.code) == (500, "internal_error")
        assert "hunter2" not in str(problems.shown(problem))
        assert "hunter2" in caplog.text

    def test_is_a_503_when_the_database_is_away(self):
        answer = problems.handle(OperationalError(2002, "Can't connect"), {})
        assert (answer.status_code, orjson.loads(answer.content)["code"], answer["Retry-After"]) == (503, "unavailable", "1")

    def test_is_a_500_for_a_framework_error_that_is_in_no_table(self):
        assert problems.judged(APIException("odd")).code == "internal_error"
