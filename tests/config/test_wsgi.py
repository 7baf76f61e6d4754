"""Calls to the API take a shorter way than pages; what they are answered is what Django's own handler would have answered."""

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver, resolve

from config.middleware import API
from tasks_app.models import Task
from tests.tasks_app.api.test_files import PNG

READING, WRITING = ("GET", "HEAD", "PUT", "OPTIONS"), ("POST", "DELETE")  # PUT is no method of ours

QUERIES = {"account/statement": "?month=2026-01"}  # else it is closed at this very moment


@pytest.fixture
def ways():
    """Both applications. No signal reaches Django's looks at connections, which would close that of the test's own transaction."""
    from config import wsgi

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield {"ours": wsgi.application, "django": wsgi.django}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def upload(acme, settings, tmp_path) -> str:
    """The path of a file's bytes. To be made before `ways`: the client of tests connects the signals again."""
    settings.STORAGE_DIR = tmp_path
    headers = {"Authorization": f"Bearer {acme.key}"}
    uploaded = Client().post(f"{API}files", {"file": SimpleUploadedFile("fox.png", PNG, "image/png")}, headers=headers)
    return f"{API}files/{uploaded.json()['id']}/content"


def asked(application, method: str, path: str, *, key: str = "", body: bytes = b"", **headers: str):
    """Status, headers and body of an answer."""
    path, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_X_REQUEST_ID": "the-same",
        "CONTENT_TYPE": "application/json" if body else "",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        **headers,
    }
    if key:
        environ["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    told = {}

    def start_response(status, headers):
        told.update(status=status, headers=dict(headers))

    said = application(environ, start_response)
    try:
        return told["status"], told["headers"], b"".join(said)
    finally:
        said.close()


def paths() -> list[str]:
    """Each of the API's, with an id that nothing has."""
    part = next(part for part in get_resolver().url_patterns if f"/{part.pattern}" == API)
    routes = [str(pattern.pattern) for pattern in part.url_patterns]
    return [API + re.sub(r"<[^>]*>", "task_00000000000000000000000000", route) + QUERIES.get(route, "") for route in routes] + [
        f"{API}nowhere",
        f"{API}tasks?colour=red",
    ]


class TestACall:
    @pytest.mark.parametrize("path", paths())
    def test_is_answered_as_by_djangos_own_handler(self, ways, acme, path):
        for method, key in [*((method, "") for method in READING + WRITING), *((method, acme.key) for method in READING)]:
            ours, theirs = (asked(ways[way], method, path, key=key) for way in ("ours", "django"))
            assert ours == theirs, (method, path, bool(key))
            assert ours[1]["X-Request-ID"] == "the-same"

    def test_that_writes_is_done_once(self, ways, acme, plasma):
        body = b'{"model": "darkroom/plasma-image", "input": {"prompt": "a red fox"}}'
        status, _, _ = asked(ways["ours"], "POST", f"{API}tasks", key=acme.key, body=body)
        assert status == "201 Created"
        assert Task.objects.count() == 1

    def test_for_bytes_gets_them_all(self, upload, ways, acme):
        ours, theirs = (asked(ways[way], "GET", upload, key=acme.key) for way in ("ours", "django"))
        assert ours == theirs
        assert ours[2] == PNG

    def test_is_known_by_its_route_as_djangos_own_handler_knows_it(self, ways, rf):
        from config import wsgi

        request = rf.get(f"{API}tasks/task_00000000000000000000000000")
        wsgi.view(request)
        assert request.resolver_match.route == resolve(request.path_info).route == "api/v1/tasks/<str:id>"

    def test_of_a_page_is_djangos(self, ways, db):
        assert asked(ways["ours"], "GET", "/healthz")[0] == "200 OK"
