"""What the application is told of a request is what gunicorn would tell it, though less is found anew for each."""

import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config
from gunicorn.http import RequestParser
from gunicorn.http.errors import ConfigurationProblem, InvalidHeader
from gunicorn.http.wsgi import base_environ, create

from config.web_connection import Connection, environ

TCP = ("192.0.2.7", 50_000), ("127.0.0.1", 8000)
UNIX = "", "/run/darkroom/web.sock"
# Objects of one request, and what PEP 3333 does not ask for and nobody here takes.
OWN = ("wsgi.input", "wsgi.errors", "wsgi.early_hints", "gunicorn.socket")


@pytest.fixture
def wire() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(5)
        yield ours, theirs


def written(*lines: str, body: str = "") -> bytes:
    return "\r\n".join([*lines, "", body]).encode("latin-1")


def config(**settings) -> Config:
    made = Config()
    for name, value in settings.items():
        made.set(name, value)
    return made


def told(wire, request: bytes, *, client=TCP[0], server=TCP[1], cfg: Config) -> tuple[dict, bytes]:
    """What our application is told, and the body."""
    wire[1].sendall(request)
    connection = Connection(cfg, wire[0], client, server)
    said = environ(next(connection.parser), connection, base_environ(cfg))
    return said, said["wsgi.input"].read()


def told_by_gunicorn(wire, request: bytes, *, client=TCP[0], server=TCP[1], cfg: Config) -> tuple[dict, bytes]:
    wire[1].sendall(request)
    _, said = create(next(RequestParser(cfg, wire[0], client)), wire[0], client, server, cfg)
    return said, said["wsgi.input"].read()


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(written("GET /api/v1/tasks?limit=2&a=%20b HTTP/1.1", "Host: darkroom"), id="a query"),
        pytest.param(written("GET /a%20b/%C3%BC%2F?x HTTP/1.0", "Host: darkroom"), id="a path of all sorts"),
        pytest.param(written("GET / HTTP/1.1", "Host: a", "X-Two: 1", "X-Two: 2", "x-two: 3", "Cookie: a=1"), id="a field thrice"),
        pytest.param(
            written("POST /x HTTP/1.1", "Host: a", "Content-Type: text/plain", "Content-Length: 5", body="12345"),
            id="a body of known length",
        ),
        pytest.param(
            written("POST /x HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", body="3\r\nabc\r\n0\r\n\r\n"), id="a body in chunks"
        ),
        pytest.param(written("GET / HTTP/1.1", "Host: a", "X_Forged: 1", "X-Forged: 2"), id="a name that would pass for another"),
        pytest.param(written("GET / HTTP/1.1", "Host: a", "X-Forwarded-Proto: https"), id="a scheme"),
        pytest.param(written("GET http://other/x HTTP/1.1", "Host: a"), id="a whole address"),
    ],
)
@pytest.mark.parametrize("trusted", ["192.0.2.7", "192.0.2.0/24", "127.0.0.1", "*"])
def test_an_application_is_told_what_gunicorn_tells(wire, request_, trusted):
    cfg = config(forwarded_allow_ips=trusted)
    (ours, body), (theirs, their_body) = told(wire, request_, cfg=cfg), told_by_gunicorn(wire, request_, cfg=cfg)
    assert body == their_body
    assert {name: ours[name] for name in ours if name not in OWN} == {name: theirs[name] for name in theirs if name not in OWN}


def test_behind_a_unix_socket_the_peer_is_the_proxy(wire):
    request = written("GET / HTTP/1.1", "Host: darkroom.example", "X-Forwarded-Proto: https")
    ours, _ = told(wire, request, client=UNIX[0], server=UNIX[1], cfg=config())
    theirs, _ = told_by_gunicorn(wire, request, client=UNIX[0], server=UNIX[1], cfg=config())
    assert ours["wsgi.url_scheme"] == theirs["wsgi.url_scheme"] == "https"
    assert ours["REMOTE_ADDR"] == theirs["REMOTE_ADDR"] == ""
    assert (ours["SERVER_NAME"], ours["SERVER_PORT"]) == ("localhost", "80")  # what PEP 3333 wants not to be empty; Host says where it is


def test_a_client_that_waits_to_send_its_body_is_told_to(wire):
    wire[1].sendall(written("POST /x HTTP/1.1", "Host: a", "Content-Length: 2", "Expect: 100-continue"))
    connection = Connection(config(), wire[0], *TCP)
    environ(next(connection.parser), connection, {})
    assert wire[1].recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (("Content-Length: 1", "Content-Length: 2"), InvalidHeader),
        (("Content-Length: 1", "Transfer-Encoding: chunked"), InvalidHeader),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), InvalidHeader),
    ],
)
def test_what_two_could_read_differently_is_refused(wire, lines, fault):
    wire[1].sendall(written("POST / HTTP/1.1", "Host: a", *lines, body="x"))
    with pytest.raises((fault, ConfigurationProblem)):
        next(Connection(config(), wire[0], *TCP).parser)
