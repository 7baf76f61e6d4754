"""gunicorn's answer, but that its head goes out with the first part of its body.

gunicorn sends them one after the other. That is a system call more for each request, a packet, a second wake-up of the client, and another
turn at Python's lock. What is said is the same, byte for byte.
"""

from collections.abc import Iterable

from gunicorn.http.wsgi import FileWrapper, Response


class WholeAnswer(Response):
    head = b""  # what is said next begins with it
    waits = True

    def write_file(self, respiter):
        self.waits = False  # the kernel sends the file itself, behind what was sent before
        super().write_file(respiter)

    def send_headers(self):
        if self.headers_sent:
            return
        lines = [*self.default_headers(), *(f"{name}: {value}\r\n" for name, value in self.headers), "\r\n"]
        self.head = "".join(lines).encode("latin-1")
        self.headers_sent = True
        if not self.waits:
            self._send(b"")

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
