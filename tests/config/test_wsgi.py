"""Calls to the API take a shorter way than pages; what they are answered is what Django's own handler would have answered."""

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import request_finished, request_started
from django.test import Client
from django.urls import get_resolver

from config.middleware import API
from tasks_app.models import Task
from tests.tasks_app.api.test_files import PNG

READING, WRITING = ("GET", "HEAD", "PUT", "OPTIONS"), ("POST", "DELETE")  # PUT is no method of ours

QUERIES = {"account/statement": "?month=2026-01"}  # else it is closed at this very moment


@pytest.fixture(scope="module")
def ways():
    """Both applications, as the web tier has them; the signals are put back, for other tests are not of the web tier."""
    kept = [(signal, list(signal.receivers)) for signal in (request_started, request_finished)]
    from config import wsgi

    wsgi.look_at_one_connection()
    yield {"ours": wsgi.application, "django": wsgi.django}
    for signal, receivers in kept:
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


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

    def test_for_bytes_gets_them_all(self, ways, acme, settings, tmp_path):
        settings.STORAGE_DIR = tmp_path
        headers = {"Authorization": f"Bearer {acme.key}"}
        uploaded = Client().post(f"{API}files", {"file": SimpleUploadedFile("fox.png", PNG, "image/png")}, headers=headers)
        path = f"{API}files/{uploaded.json()['id']}/content"
        ours, theirs = (asked(ways[way], "GET", path, key=acme.key) for way in ("ours", "django"))
        assert ours == theirs
        assert ours[2] == PNG

    def test_of_a_page_is_djangos(self, ways, db):
        assert asked(ways["ours"], "GET", "/healthz")[0] == "200 OK"
