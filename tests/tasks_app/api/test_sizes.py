"""What a body may weigh, wherever one is read; gunicorn limits address and headers (tests/deploy/test_request_sizes.py)."""

import pytest
from django.urls import get_resolver

from tasks_app.api.json import BODY_LIMIT
from tests.tasks_app.api.conftest import shown, task_of


@pytest.mark.django_db
class TestABodyOfJson:
    def test_is_read_up_to_its_limit_at_every_address(self, api, acme):
        task, body, taken = shown(task_of(acme)), b" " * (BODY_LIMIT + 1), []
        urls = next(one for one in get_resolver().url_patterns if str(one.pattern) == "api/v1/").url_patterns
        for path in (f"/{url.pattern}".replace("<str:id>", task).replace("<path:name>", "x") for url in urls if str(url.pattern)):
            for method in ("POST", "DELETE"):
                answer = api.sends(method, path, data=body, content_type="application/json")
                if answer.status_code == 413:
                    taken.append(f"{method} {path.replace(task, 'id')}")
                else:
                    assert answer.status_code in (404, 405, 415), (method, path)
        assert {"POST /tasks", "POST /tasks/quote", "POST /tasks/batch", "POST /tasks/id/cancel", "DELETE /tasks/id"} <= {*taken}


@pytest.mark.django_db
class TestAForm:
    def test_of_a_page_has_megabytes_at_most(self, client):
        answer = client.post("/admin/login/", b"username=" + b"a" * 3_000_000, content_type="application/x-www-form-urlencoded")
        assert answer.status_code in (400, 413)
