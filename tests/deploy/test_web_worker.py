"""The web tier's worker: each of its threads waits for requests itself."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deploy.web import PATIENCE_S, Gunicorn, wait_until

ASKED = b"GET / HTTP/1.1\r\nHost: darkroom\r\n\r\n"


@pytest.fixture(scope="module")
def web():
    with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1", WEB_THREADS="2") as running:
        yield running


def dial(web):
    return socket.create_connection(("127.0.0.1", web.port), timeout=PATIENCE_S)


def answer_on(connection):
    """One answer, which the application leaves to be chunked."""
    said = b""
    while not said.endswith(b"\r\n0\r\n\r\n"):
        said += connection.recv(65536)
    return said


def end_of(connection):
    """All that comes until the other side ends."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


class TestRequests:
    def test_of_more_clients_than_threads_are_all_answered(self, web):
        clients = [web.connect() for _ in range(20)]
        with ThreadPoolExecutor(20) as pool:
            for _ in range(3):
                assert {status for status, _ in pool.map(lambda client: web.get("/", on=client), clients)} == {200}

    def test_that_come_before_the_answer_to_the_first_are_answered_in_turn(self, web):
        with dial(web) as client:
            client.sendall(ASKED * 3 + ASKED.replace(b"Host", b"Connection: close\r\nHost"))
            assert end_of(client).count(b"HTTP/1.1 200 OK") == 4

    def test_that_come_in_pieces_are_answered(self, web):
        with dial(web) as client:
            for place in range(0, len(ASKED), 7):
                client.sendall(ASKED[place : place + 7])
            assert answer_on(client).startswith(b"HTTP/1.1 200 OK")

    def test_that_never_come_whole_hold_no_thread_for_long(self, web):
        with dial(web) as one, dial(web) as other, dial(web) as third:
            for slow in (one, other, third):
                slow.sendall(ASKED[:20])
            assert web.get("/")[0] == 200
            assert end_of(one) == end_of(other) == b""


class TestAConnection:
    def test_on_which_nothing_comes_is_closed(self, web):
        with dial(web) as silent, dial(web) as client:
            client.sendall(ASKED)
            assert end_of(client).count(b"200 OK") == 1
            assert end_of(silent) == b""

    def test_that_we_end_waits_for_its_clients_end(self, web):
        with dial(web) as client:
            client.sendall(ASKED.replace(b"Host", b"Connection: close\r\nHost"))
            assert end_of(client).startswith(b"HTTP/1.1 200 OK")
            client.sendall(b"one more word")  # a connection that was closed would answer it with a reset
            client.shutdown(socket.SHUT_WR)
            assert end_of(client) == b""


class TestStopping:
    def test_closes_what_is_idle_and_ends(self):
        with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1") as web, dial(web) as idle:
            idle.sendall(ASKED)
            answer_on(idle)
            web.process.terminate()
            assert end_of(idle) == b""
            assert web.process.wait(PATIENCE_S) == 0

    def test_a_request_that_a_kept_connection_brings_meanwhile_is_answered(self):
        with Gunicorn("tests.deploy.leaky:application", WEB_WORKERS="1") as web, ThreadPoolExecutor(1) as pool, dial(web) as kept:
            kept.sendall(ASKED)
            answer_on(kept)
            slow = pool.submit(web.get, "/slow/1")
            wait_until(lambda: web.get("/at-work")[1] == "1", "the slow request was at work")
            web.process.terminate()
            kept.sendall(ASKED)
            assert answer_on(kept).startswith(b"HTTP/1.1 200 OK")
            assert slow.result()[0] == 200
            assert web.process.wait(PATIENCE_S) == 0
