"""A client's connection to the web tier: its requests as gunicorn reads them, and as PEP 3333 tells an application of them.

What is the same for all requests of a connection, or of a worker, is found once. gunicorn finds it for each: whether the
client's host may say where a request came from, four addresses, its own loggers. That was a tenth of the function calls of a GET of a task.
"""

from functools import lru_cache
from typing import Any

from gunicorn.config import Config
from gunicorn.http.message import Request, _ip_in_allow_list
from gunicorn.http.parser import RequestParser
from gunicorn.util import unquote_to_wsgi_str
from gunicorn.workers.gthread import TConn

# All other fields are HTTP_ and their name (RFC 3875, 4.1.18).
NAMES = {"CONTENT-TYPE": "CONTENT_TYPE", "CONTENT-LENGTH": "CONTENT_LENGTH"}
NO_PORT = "localhost", 80  # how a server on a unix socket is called where a request names no host


class Asked(Request):
    def _peer_is_trusted_proxy(self):
        return not isinstance(self.peer_addr, tuple) or _is_trusted(self.cfg, self.peer_addr[0])


class Requests(RequestParser):
    """The next request of a connection whose last one was read to its end, and may have a next: its worker sees to both."""

    def __next__(self):
        self.req_count += 1
        self.mesg = Asked(self.cfg, self.unreader, self.source_addr, self.req_count)
        return self.mesg


class Connection(TConn):
    """`is_ending`: we have said all, and wait for the client's end, lest the kernel drop what it has yet to read (RFC 9112, 9.6).

    `is_given`: the stream tier has it.
    """

    is_ending = is_given = False

    def __init__(self, cfg: Config, sock, client, server):
        super().__init__(cfg, sock, client, server)
        self.sock.setblocking(True)
        self.parser = Requests(cfg, sock, client)
        self.sides = _sides(client, server)


def environ(req: Request, conn: Connection, standing: dict[str, Any]) -> dict[str, Any]:
    """What the application is told of a request; `standing` is what it is told of each."""
    if req._expected_100_continue:
        conn.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    told = {
        **standing,
        **conn.sides,
        "REQUEST_METHOD": req.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_wsgi_str(req.path),
        "QUERY_STRING": req.query,
        "RAW_URI": req.uri,
        "SERVER_PROTOCOL": f"HTTP/{req.version[0]}.{req.version[1]}",
        "wsgi.url_scheme": req.scheme,
        "wsgi.input": req.body,
    }
    for name, value in req.headers:
        key = NAMES.get(name) or f"HTTP_{name.replace('-', '_')}"
        told[key] = f"{told[key]},{value}" if key in told else value
    return told


def _sides(client: tuple | str | bytes, server: tuple | str) -> dict[str, str]:
    name, port = server[:2] if isinstance(server, tuple) else NO_PORT
    told = {"SERVER_NAME": name, "SERVER_PORT": str(port), "REMOTE_ADDR": ""}
    return told | {"REMOTE_ADDR": client[0], "REMOTE_PORT": str(client[1])} if isinstance(client, tuple) else told


@lru_cache(1024)
def _is_trusted(cfg: Config, host: str) -> bool:
    return _ip_in_allow_list(host, cfg.forwarded_allow_ips, cfg.forwarded_allow_networks())
