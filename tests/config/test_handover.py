"""Which connections web hands on, and that they come over whole."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from config import handover

WAIT = ("PREFER", "wait=30")


class TestWhatIsForTheStreamTier:
    @pytest.mark.parametrize("path", ["/api/v1/tasks/task_1/events", "/api/v1/account/events"])
    def test_are_events(self, path):
        assert handover.is_wanted(path, [])

    @pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/tasks/task_1"])
    def test_are_tasks_for_whose_end_a_client_would_wait(self, path):
        assert handover.is_wanted(path, [WAIT, ("CONTENT-LENGTH", "100")])
        assert not handover.is_wanted(path, [])

    @pytest.mark.parametrize("path", ["/api/v1/tasks/task_1/cancel", "/api/v1/account", "/admin/tasks", "/api/v1/tasks/a/b/events"])
    def test_is_nothing_else(self, path):
        assert not handover.is_wanted(path, [WAIT])

    @pytest.mark.parametrize("header", [("TRANSFER-ENCODING", "chunked"), ("EXPECT", "100-continue"), ("CONTENT-LENGTH", "9000000")])
    def test_is_no_request_whose_body_web_would_have_to_wait_for(self, header):
        assert not handover.is_wanted("/api/v1/tasks", [WAIT, header])


class TestAConnection:
    @pytest.fixture
    def taker(self, tmp_path):
        with handover.listener(tmp_path / "h") as listener:
            yield listener

    def test_is_handed_on_with_its_request(self, taker, tmp_path):
        ours, client = socket.socketpair()
        request = handover.written("POST", "/a?b=c", [("HOST", "x"), ("CONNECTION", "keep-alive")], b"x" * 500_000)
        with ThreadPoolExecutor(1) as pool, ours, client:
            taken = pool.submit(lambda: handover.take(taker.accept()[0]))
            handover.give(ours, request, to=handover.connected(tmp_path / "h"))
            theirs, read, rest = taken.result()
            ours.close()
            with theirs:
                theirs.sendall(b"answer")
                assert (client.recv(100), read, rest) == (b"answer", request, b"")
        assert request.startswith(b"POST /a?b=c HTTP/1.1\r\nHOST: x\r\nCONNECTION: close\r\n\r\n")

    def test_is_handed_on_with_what_is_left_to_do(self, taker, tmp_path):
        ours, client = socket.socketpair()
        request = handover.written("POST", "/a", (), b"a\nb")
        with ours, client:
            handover.give(ours, request, to=handover.connected(tmp_path / "h"), rest=b'{"left": true}')
            taken = handover.take(taker.accept()[0])
            taken.client.close()
        assert (taken.request, taken.rest) == (request, b'{"left": true}')

    def test_that_breaks_off_is_none(self, taker, tmp_path):
        handover.connected(tmp_path / "h").close()
        assert handover.take(taker.accept()[0]) is None

    def test_has_nobody_to_go_to_where_there_is_no_stream_tier(self, tmp_path):
        assert handover.connected(tmp_path / "nobody") is None

    def test_is_for_our_own_user_to_hand_on(self, taker, tmp_path):
        assert (tmp_path / "h").stat().st_mode & 0o777 == 0o600
