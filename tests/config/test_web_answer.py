"""What the web tier's answers say on the wire: what gunicorn's own say, in fewer pieces."""

import io
import re
import socket

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import InvalidResponseHeader, InvalidResponseHeaderName
from gunicorn.http.wsgi import FileWrapper, Response, create

from config.web_answer import WholeAnswer, send

LENGTH = [("Content-Type", "application/json"), ("Content-Length", "8")]
OPEN = [("Content-Type", "text/event-stream")]


def said(response_class, method, status, headers, parts) -> list[bytes]:
    """What one answer sends, piece by piece."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        theirs.sendall(f"{method} / HTTP/1.1\r\nHost: darkroom\r\n\r\n".encode())
        cfg = Config()
        request = next(RequestParser(cfg, ours, ("127.0.0.1", 1)))
        answer, _ = create(request, ours, ("127.0.0.1", 1), ("127.0.0.1", 8000), cfg, response_class=response_class)
        answer.start_response(status, headers)
        send(parts, answer)
        ours.shutdown(socket.SHUT_WR)
        return list(iter(lambda: theirs.recv(65536), b""))


def without_date(pieces: list[bytes]) -> bytes:
    return re.sub(rb"Date: [^\r]+", b"", b"".join(pieces))


@pytest.mark.parametrize(
    ("method", "status", "headers", "parts", "pieces"),
    [
        pytest.param("GET", "200 OK", LENGTH, [b'{"a": 1}'], 1, id="whole"),
        pytest.param("GET", "200 OK", LENGTH, [b'{"a"', b": 1}"], 2, id="in two parts"),
        pytest.param("GET", "200 OK", LENGTH, [b'{"a": 1}, and more than was said'], 1, id="too long"),
        pytest.param("GET", "200 OK", [("Content-Length", "0")], [b""], 1, id="empty"),
        pytest.param("GET", "200 OK", [("content-length", "8")], [b'{"a": 1}'], 1, id="its length written small"),
        pytest.param("GET", "200 OK", [*LENGTH, ("X-Note", " \t padded ")], [b'{"a": 1}'], 1, id="padded"),
        pytest.param(
            "GET", "200 OK", [*LENGTH, ("Connection", "x"), ("Date", "x"), ("server", "x")], [b'{"a": 1}'], 1, id="the connection's"
        ),
        pytest.param("GET", "200 OK", OPEN, [b"one", b"", b"two"], 3, id="chunked"),
        pytest.param("GET", "200 OK", OPEN, [], 2, id="chunked, without a chunk"),
        pytest.param("HEAD", "200 OK", LENGTH, [b'{"a": 1}'], 1, id="to HEAD"),
        pytest.param("GET", "304 Not Modified", [("ETag", '"ü"')], [], 1, id="not modified"),
        pytest.param("DELETE", "204 No Content", [], [b""], 1, id="no content"),
    ],
)
def test_an_answer_is_gunicorns_own_and_its_head_goes_with_its_body(method, status, headers, parts, pieces):
    ours = said(WholeAnswer, method, status, headers, parts)
    assert without_date(ours) == without_date(said(Response, method, status, headers, parts))
    assert len(ours) == pieces


@pytest.mark.parametrize("field", [("X-A", "b\r\nX-C: d"), ("X-A", "b\n"), ("X A", "b"), ("X-A:", "b"), ("X-A", None), (b"X-A", "b")])
def test_a_field_that_would_break_the_answer_is_refused_as_by_gunicorn(field):
    faults = []
    for one in (WholeAnswer, Response):
        with pytest.raises((TypeError, InvalidResponseHeader, InvalidResponseHeaderName)) as fault:
            said(one, "GET", "200 OK", [*LENGTH, field], [b'{"a": 1}'])
        faults.append(fault.type)
    assert faults[0] == faults[1]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("is_on_disk", [True, False], ids=["sendfile", "read"])
def test_a_file_comes_behind_its_head(method, is_on_disk, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"12345678")

    def file():
        return FileWrapper(path.open("rb") if is_on_disk else io.BytesIO(b"12345678"))

    ours, theirs = (said(one, method, "200 OK", LENGTH, file()) for one in (WholeAnswer, Response))
    assert without_date(ours) == without_date(theirs)
