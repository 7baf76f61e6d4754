"""gunicorn's ASGI worker for the stream tier: it also takes connections that web hands on, and ends streams when it is told to stop."""

import socket
from threading import Thread

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers.gasgi import ASGIWorker

from . import handover
from .env import env


class Protocol(ASGIProtocol):
    """Lets the application cut a connection whose client does not read: closed in order, it would wait for the client.

    And tells it what web has left of the request, of which no client has a say.
    """

    rest = b""

    def _build_http_scope(self, *args):
        return super()._build_http_scope(*args) | {"darkroom.abort": self.transport.abort, "darkroom.rest": self.rest}


class Worker(ASGIWorker):
    def load_wsgi(self):
        super().load_wsgi()
        from .asgi import tier

        self.tier = tier

    async def _serve(self):
        taker = handover.listener(env["STREAM_SOCKET"])
        Thread(target=self.take_over, args=(taker,), name="handover", daemon=True).start()
        # gunicorn would make servers of its own protocol; it goes on with those that are there.
        listeners, self.sockets = self.sockets, []
        self.servers = [await self.loop.create_server(lambda: Protocol(self), sock=one.sock) for one in listeners]
        try:
            await super()._serve()
        finally:
            taker.shutdown(socket.SHUT_RDWR)

    def handle_exit_signal(self):
        super().handle_exit_signal()
        self.tier.end()

    def take_over(self, taker: socket.socket) -> None:
        """In a thread: a connection that comes with its request is short work, and the loop cannot receive descriptors."""
        while True:
            try:
                giver, _ = taker.accept()
            except OSError:
                return  # it is over
            if taken := handover.take(giver):
                self.loop.call_soon_threadsafe(self.adopt, taken)

    def adopt(self, taken: handover.Taken) -> None:
        taken.client.setblocking(False)
        self.loop.create_task(self._adopt(taken))

    async def _adopt(self, taken: handover.Taken) -> None:
        try:
            _, protocol = await self.loop.connect_accepted_socket(lambda: Protocol(self), taken.client)
            protocol.rest = taken.rest
            protocol.data_received(taken.request)
        except OSError:
            taken.client.close()  # the client has gone
