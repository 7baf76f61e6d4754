"""Django's MySQL backend: fewer round trips, cheap reads, and an eye on the wire. An ENGINE of settings.DATABASES."""

import os
import select
import socket
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

from django.db import IntegrityError, OperationalError
from django.db.backends.mysql import base
from django.db.backends.utils import debug_transaction

# A connection is trusted for a moment unseen, and for a while where the server has not hung up. Under load each is used every few
# milliseconds, and a look takes a system call and a turn at Python's lock.
TRUSTED_UNSEEN_S, TRUSTED_S = 0.02, 1.0
PREPARED = 16  # statements that a connection keeps: the API has four, and lists with filters as many as people think of
# A server that is not heard of for so long is away: sooner than a lease ends, so that a worker which is cut off has let go by then.
SILENT_S, ASK_EVERY_S = 25, 5


class DatabaseWrapper(base.DatabaseWrapper):
    """Pings a connection only after a pause, and begins a transaction by BEGIN, so that autocommit need not be set off and on."""

    _used_at = 0.0

    def read(self, sql: str, params: Sequence[Any]) -> Sequence[tuple]:
        """The rows that a SELECT finds: what a cursor gives, for a third of its CPU here, and three quarters of the server's.

        On MariaDB the statement is prepared once for each connection; MySQL takes no values in EXECUTE.
        """
        if self._is_watched():
            with self.cursor() as cursor:
                cursor.execute(sql, params)
                return cursor.fetchall()
        self._be_ready()
        with self.wrap_database_errors:
            values = tuple(map(self.connection.literal, params))
            self.connection.query(self._execution(sql, values) if self.mysql_is_mariadb else sql.encode() % values)
            return self.connection.store_result().fetch_row(maxrows=0)

    def run(self, sql: str, params: Sequence[Any]) -> None:
        """Run a statement that gives back nothing, past cursors too."""
        if self._is_watched():
            with self.cursor() as cursor:
                cursor.execute(sql, params)
            return
        self._be_ready()
        try:
            with self.wrap_database_errors:
                self.connection.query(sql.encode() % tuple(map(self.connection.literal, params)))
                self.connection.store_result()
        except OperationalError as error:
            if error.args[0] in base.CursorWrapper.codes_for_integrityerror:
                raise IntegrityError(*error.args) from error  # as Django's cursor has it
            raise

    def _is_watched(self) -> bool:
        """Whether somebody counts statements, or wraps them, by what Django offers for cursors."""
        return self.queries_logged or bool(self.execute_wrappers)

    def _be_ready(self) -> None:
        self.close_if_health_check_failed()
        self.ensure_connection()
        self.validate_no_broken_transaction()

    def _execution(self, sql: str, values: Sequence[bytes]) -> bytes:
        name = self._prepared.get(sql) or self._prepare(sql, len(values))
        return b"EXECUTE %b USING %b" % (name, b", ".join(values)) if values else b"EXECUTE %b" % name

    def _prepare(self, sql: str, values: int) -> bytes:
        if len(self._prepared) == PREPARED:
            oldest = next(iter(self._prepared))
            self.connection.query(b"DEALLOCATE PREPARE %b" % self._prepared.pop(oldest))
        name = b"read_%d" % next(self._numbers)  # never one that was used: the statement of before would be run
        self.connection.query(b"PREPARE %b FROM %b" % (name, self.connection.literal(sql % (("?",) * values))))
        self._prepared[sql] = name
        return name

    def get_new_connection(self, conn_params):
        self._prepared, self._numbers = {}, count()  # the names of statements, by their SQL
        connection = super().get_new_connection(conn_params)
        _watch(connection.fileno())
        return connection

    def close_if_health_check_failed(self):
        """Ping only what has lain idle: what a firewall dropped looks alive from here, what the server closed does not."""
        if self.in_atomic_block:
            return  # a transaction does not go on over another connection
        now = time.monotonic()
        idle_s = now - self._used_at
        if idle_s < TRUSTED_UNSEEN_S or (idle_s < TRUSTED_S and self.connection is not None and not _is_closed(self.connection)):
            self.health_check_done = True
        super().close_if_health_check_failed()
        self._used_at = now

    def _start_transaction_under_autocommit(self):
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.query(b"BEGIN")


def _watch(fileno: int) -> None:
    """Have the kernel ask whether the other host still lives, and end the connection where it does not.

    An answer that is lost with a host, a cable or a firewall's memory would be waited for by Linux's own measure: two hours.
    A statement may take as long as it likes, since the kernel answers for a server that is busy.
    """
    with socket.socket(fileno=os.dup(fileno)) as wire:
        if wire.family in (socket.AF_INET, socket.AF_INET6):
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 2 * ASK_EVERY_S)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASK_EVERY_S)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, (SILENT_S - 2 * ASK_EVERY_S) // ASK_EVERY_S)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_S * 1000)  # what was sent and not received, too


def _is_closed(connection) -> bool:
    """Whether the server has hung up: between two statements it has nothing else to say."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
