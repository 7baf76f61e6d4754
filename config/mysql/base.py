"""Django's MySQL backend with three round trips fewer for each request that writes; an ENGINE of settings.DATABASES."""

import time

from django.db.backends.mysql import base
from django.db.backends.utils import debug_transaction

TRUSTED_S = 1.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks a connection only after a pause, and begins a transaction by BEGIN, so that autocommit need not be set off and on."""

    _used_at = 0.0

    def close_if_health_check_failed(self):
        """Servers and firewalls close what lies idle, so a connection that was in use a moment ago needs no ping.

        One that has just failed is still checked: Django does so by itself when the next request starts.
        """
        now = time.monotonic()
        if now - self._used_at < TRUSTED_S:
            self.health_check_done = True
        super().close_if_health_check_failed()
        self._used_at = now

    def _start_transaction_under_autocommit(self):
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            self.connection.query(b"BEGIN")
