"""Django's MySQL backend with three round trips fewer for each request that writes; an ENGINE of settings.DATABASES."""

import select
import time

from django.db.backends.mysql import base
from django.db.backends.utils import debug_transaction

TRUSTED_S = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Pings a connection only after a pause, and begins a transaction by BEGIN, so that autocommit need not be set off and on."""

    _used_at = 0.0

    def close_if_health_check_failed(self):
        """Ping only what has lain idle: what a firewall dropped looks alive from here, what the server closed does not."""
        if self.in_atomic_block:
            return  # a transaction does not go on over another connection
        now = time.monotonic()
        if self.connection is not None and now - self._used_at < TRUSTED_S and not _is_closed(self.connection):
            self.health_check_done = True
        super().close_if_health_check_failed()
        self._used_at = now

    def _start_transaction_under_autocommit(self):
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.query(b"BEGIN")


def _is_closed(connection) -> bool:
    """Whether the server has hung up: between two statements it has nothing else to say."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
