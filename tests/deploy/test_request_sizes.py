"""What a request may weigh: its address and its headers; bodies have limits of their own (tests/tasks_app/api/test_sizes.py)."""

import pytest

from .web import Gunicorn

KB = 1024


@pytest.fixture(scope="module")
def web():
    with Gunicorn("config.wsgi", WEB_WORKERS="1") as started:
        yield started


def status(web, path="/healthz", *, headers=()):
    """What gunicorn answers; headers are (name, value) pairs."""
    connection = web.connect()
    connection.putrequest("GET", path)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


class TestAnAddress:
    def test_of_six_kilobytes_is_taken(self, web):
        assert status(web, "/healthz?" + "a" * 6 * KB) == 200

    def test_of_nine_is_refused_unread(self, web):
        assert status(web, "/healthz?" + "a" * 9 * KB) in (400, 414)


class TestHeaders:
    def test_of_six_kilobytes_are_taken(self, web):
        assert status(web, headers=[("X-Long", "a" * 6 * KB)]) == 200

    def test_of_nine_are_refused(self, web):
        assert status(web, headers=[("X-Long", "a" * 9 * KB)]) in (400, 431)

    def test_more_than_sixty_four_are_refused(self, web):
        assert status(web, headers=[(f"X-{number}", "a") for number in range(60)]) == 200
        assert status(web, headers=[(f"X-{number}", "a") for number in range(70)]) in (400, 431)
