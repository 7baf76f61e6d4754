"""gunicorn's worker for the web tier, in which each thread waits for requests itself.

In gunicorn's own `gthread` one thread waits for requests, hands each to a pool and takes the connection back: two queues, a
pipe and a future a request, and a change of threads each way. Here the kernel hands a connection that became readable to one of
the threads (epoll(7), EPOLLONESHOT: to no second one until it is armed anew). The main thread accepts, counts, closes, and tells
gunicorn that the worker lives. Requests are read as gunicorn reads them, and answered in fewer pieces (web_answer.py). But what would
hold its thread for minutes is handed on to the stream tier (handover.py): at once, or when the application has done its part of it.
"""

import errno
import math
import os
import select
import socket
import struct
import time
from collections.abc import Callable

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import NoMoreData
from gunicorn.http.wsgi import base_environ
from gunicorn.workers.gthread import ThreadWorker

from . import handover
from .env import env
from .web_answer import WholeAnswer, send
from .web_connection import Connection, environ

GONE = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)  # what a client that hangs up makes of its connection
READABLE = select.EPOLLIN | select.EPOLLONESHOT
DRAINED_AT_ONCE = 65536  # bytes
# A client that stops in mid-request holds a thread for no longer: timeval of socket(7), SO_RCVTIMEO, as seconds and microseconds.
RECEIVES_WITHIN = struct.pack("ll", 5, 0)


class Left(Exception):
    """The application has done its part, and the stream tier, which is there (`taker`), goes on with the `rest`."""

    def __init__(self, rest: bytes, taker: socket.socket):
        super().__init__()
        self.rest, self.taker = rest, taker


class Worker(ThreadWorker):
    def load_wsgi(self):
        super().load_wsgi()
        self.application, self.wsgi = self.wsgi, self.ask

    def init_process(self):
        vars(self.cfg).update({name: setting.get() for name, setting in self.cfg.settings.items()})  # else looked up 22 times a request
        self.told = base_environ(self.cfg) | {"wsgi.multithread": True}
        self.readable = select.epoll()
        self.over = os.eventfd(0)
        self.waiting = {}  # connections in `readable`, by file descriptor; who takes one out of here has it
        self.open_until = math.inf
        super().init_process()

    def run(self):
        self.readable.register(self.over, select.EPOLLIN)
        for _ in range(self.cfg.threads):
            self.tpool.submit(self.serve)
        try:
            super().run()
        finally:
            os.eventfd_write(self.over, 1)  # nobody reads it, so every thread sees it

    def accept(self, listener):
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # another worker was quicker, or the client has gone
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, RECEIVES_WITHIN)
        self.nr_conns += 1
        self.wait(Connection(self.cfg, client, address, listener.getsockname()), arm=self.readable.register)

    def wait(self, conn: Connection, *, arm: Callable | None = None) -> None:
        """Let the connection's next bytes bring it to a thread. From here on it is that thread's."""
        if not conn.is_ending:  # else it has no more time than that from our last word on
            conn.timeout = min(time.monotonic() + self.cfg.keepalive, self.open_until)
        descriptor = conn.sock.fileno()
        self.waiting[descriptor] = conn
        (arm or self.readable.modify)(descriptor, READABLE)

    def serve(self):
        """What each thread does, until the worker ends."""
        while True:
            for descriptor, _ in self.readable.poll(maxevents=1):
                if descriptor == self.over:
                    return
                if conn := self.waiting.pop(descriptor, None):
                    self.attend(conn)

    def attend(self, conn: Connection) -> None:
        try:
            stays = self.drain(conn) if conn.is_ending else self.answer(conn)
        except Exception:
            self.log.exception("A connection broke.")
            stays = False
        if stays:
            self.wait(conn)
        else:
            self.method_queue.defer(self.close, conn)

    def answer(self, conn: Connection) -> bool:
        """Answer what the client has sent; returns whether there is more to expect of it."""
        while self.handle(conn):
            if not conn.parser.unreader.buf.getvalue():  # else it did not wait for the answer before it sent its next request
                return True
        if conn.is_given:
            return False
        conn.is_ending = True
        return self.hang_up(conn)

    def handle(self, conn: Connection) -> bool:
        """Answer one request; returns whether there may be another. What gunicorn's own does, without TLS and HTTP/2."""
        req = None
        try:
            req = next(conn.parser)
            return self._keepalive_after(conn, self.handle_request(req, conn))
        except (NoMoreData, StopIteration):
            return False
        except OSError as error:
            if error.errno not in GONE:
                self.log.exception("A client's connection failed.")
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told, and gunicorn's log
            self.handle_error(req, conn.sock, conn.client, error)
        return False

    def handle_request(self, req, conn: Connection):
        if handover.is_wanted(req.path, req.headers) and (taker := handover.connected(env["STREAM_SOCKET"])):
            self.give(conn, handover.written(req.method, req.uri, req.headers, req.body.read()), to=taker)
        try:
            return self.respond(req, conn)
        except Left as left:
            self.give(conn, handover.written(req.method, req.uri, (), b""), to=left.taker, rest=left.rest)

    def respond(self, req, conn: Connection) -> bool:
        """What gunicorn's own does, with a WholeAnswer and without its access line; returns whether the connection stays."""
        answer, told = WholeAnswer(req, conn.sock, self.cfg), {}
        try:
            self.cfg.pre_request(self, req)
            told = environ(req, conn, self.told)
            self.count(answer)
            send(self.wsgi(told, answer.start_response), answer)
        except OSError:
            raise
        except (Exception, SystemExit):
            if not answer.headers_sent:
                raise
            self.log.exception("An answer broke off.")
            raise StopIteration from None
        finally:
            self.cfg.post_request(self, req, told, answer)
        return not answer.should_close()

    def count(self, answer: WholeAnswer) -> None:
        self.nr += 1
        if self.nr >= self.max_requests and self.alive:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False
        if not self.alive:
            answer.force_close()

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        body = conn.parser.mesg.body
        if keepalive and isinstance(body.reader, LengthReader) and not body.reader.length and not body.failed:
            return True  # all was read; gunicorn would set the socket's time limit, read nothing, and set it back
        return super()._keepalive_after(conn, keepalive)

    def ask(self, environ, start_response):
        """What the application answers; raises Left where it leaves a rest, and somebody is there to go on with it."""
        answer = self.application(environ, start_response)
        rest = getattr(answer, "rest", None)
        if rest is None or not (taker := handover.connected(env["STREAM_SOCKET"])):
            return answer
        answer.close()
        raise Left(rest.written(answer.items()), taker)

    def give(self, conn: Connection, request: bytes, **more) -> None:
        """Hand the connection on; raises StopIteration, by which gunicorn knows that there is nothing to answer."""
        conn.is_given = True
        self.readable.unregister(conn.sock)  # it lives on elsewhere, so closing it here would not do that
        handover.give(conn.sock, request, **more)
        raise StopIteration

    def hang_up(self, conn: Connection) -> bool:
        conn.timeout = time.monotonic() + self.cfg.keepalive
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            return False  # the client was quicker
        return True

    def drain(self, conn: Connection) -> bool:
        try:
            return bool(conn.sock.recv(DRAINED_AT_ONCE, socket.MSG_DONTWAIT))
        except OSError:
            return False

    def close(self, conn: Connection) -> None:
        """In the main thread, as all that closes, so that no descriptor is used anew while a thread still holds it."""
        self.nr_conns -= 1
        conn.close()

    def murder_keepalived(self, force=False):
        """Close what has waited too long, or all."""
        now = time.monotonic()
        for descriptor, conn in list(self.waiting.items()):
            if (force or conn.timeout <= now) and self.waiting.pop(descriptor, None):
                if force or conn.is_ending or is_silent(conn):
                    self.close(conn)
                else:
                    self.wait(conn)  # what waits is a request, for a thread

    def _cap_keepalive(self, deadline):
        self.open_until = deadline
        for conn in list(self.waiting.values()):
            conn.timeout = min(conn.timeout, deadline)


def is_silent(conn: Connection) -> bool:
    """Whether nothing has come that nobody has read yet."""
    try:
        return not conn.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return True
