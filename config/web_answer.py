"""gunicorn's answer, but that its head goes out with the first part of its body.

gunicorn sends them one after the other. That is a system call more for each request, a packet, a second wake-up of the client, and another
turn at Python's lock. Nor is a field's name looked at again which was sound before, or a second's date written twice. What is said is the
same, byte for byte.
"""

import time
from collections.abc import Iterable
from functools import lru_cache

from gunicorn.http.message import TOKEN_RE
from gunicorn.http.wsgi import HEADER_VALUE_RE, FileWrapper, Response
from gunicorn.util import http_date, is_hoppish

LENGTH = "Content-Length"


class WholeAnswer(Response):
    head = b""  # what is said next begins with it
    waits = True

    def process_headers(self, headers):
        self.headers = [(name, value.strip(" \t")) for name, value in headers if _is_plain(name) and HEADER_VALUE_RE.fullmatch(value)]
        if len(self.headers) != len(headers):
            self.headers = []
            super().process_headers(headers)  # leaves out what is the connection's, and says what is wrong with others
        elif length := dict(self.headers).get(LENGTH):
            self.response_length = int(length)

    def write_file(self, respiter):
        self.waits = False  # the kernel sends the file itself, behind what was sent before
        super().write_file(respiter)

    def send_headers(self):
        if self.headers_sent:
            return
        fields = "".join([f"{name}: {value}\r\n" for name, value in self.headers])
        self.head = f"{self.beginning()}{fields}\r\n".encode("latin-1")
        self.headers_sent = True
        if not self.waits:
            self._send(b"")

    def beginning(self) -> str:
        (major, minor), stays = self.req.version, "close" if self.should_close() else "keep-alive"
        coding = "Transfer-Encoding: chunked\r\n" if self.chunked else ""
        return (
            f"HTTP/{major}.{minor} {self.status}\r\nServer: {self.version}\r\n"
            f"Date: {_date(int(time.time()))}\r\nConnection: {stays}\r\n{coding}"
        )

    def _emit_body(self, data):
        self._send(b"%X\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def close(self):
        self.send_headers()
        if self.head:
            self._send(b"")  # no part of a body took it along
        super().close()

    def _send(self, data: bytes) -> None:
        said, self.head = self.head + data, b""
        self.sock.sendall(said)


@lru_cache(256)
def _is_plain(name: str) -> bool:
    """Whether a field of this name goes out as the application gave it."""
    return TOKEN_RE.fullmatch(name) is not None and not is_hoppish(name) and (name == LENGTH or name.lower() != LENGTH.lower())


@lru_cache(2)
def _date(second: int) -> str:
    return http_date(second)


def send(parts: Iterable[bytes] | FileWrapper, answer: Response) -> None:
    """All that an application answers; it is closed whatever happens (PEP 3333)."""
    try:
        if isinstance(parts, FileWrapper):
            answer.write_file(parts)
        else:
            for part in parts:
                answer.write(part)
        answer.close()
    finally:
        if hasattr(parts, "close"):
            parts.close()
