"""One request to the web or stream tier of this machine, at the address that it listens on, be it host:port or a socket's path."""

import socket
from http.client import HTTPConnection, HTTPException

from django.conf import settings

AWAY = (OSError, HTTPException)


class _BySocket(HTTPConnection):
    """HTTP over the socket file at `path`."""

    def __init__(self, path: str, *, timeout: float):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def get(path: str, *, at: str = "", token: str = "", timeout_s: float = 3.0) -> tuple[int, str]:
    """Status and text; raises AWAY where nobody answers. `at`: where, instead of WEB_BIND."""
    connection = _connection(at or settings.WEB_BIND, timeout_s)
    try:
        # By the name of this machine, which it answers to whatever ALLOWED_HOSTS says.
        connection.request("GET", path, headers={"Host": "localhost"} | ({"Authorization": f"Bearer {token}"} if token else {}))
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _connection(at: str, timeout_s: float) -> HTTPConnection:
    if at.startswith("unix:"):
        return _BySocket(str(settings.PROCFILE.parent / at.removeprefix("unix:")), timeout=timeout_s)
    return HTTPConnection(at, timeout=timeout_s)
