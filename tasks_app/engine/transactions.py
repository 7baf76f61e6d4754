"""Whole transactions, tried again where the database says that only the moment was wrong."""

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

log = logging.getLogger(__name__)
T = TypeVar("T")
# Deadlock, lock wait time-out, record changed since last read (MariaDB's snapshot isolation); SQLite's busy.
PASSING = {1213, 1205, 1020}
TRIES = 4


def whole(work: Callable[[], T]) -> T:
    """Run `work` in one transaction; run all of it again, up to three times, when the database rolled it back for a passing reason."""
    if connection.in_atomic_block:
        with transaction.atomic():  # the outer transaction is the whole one; a savepoint keeps it usable if the work is refused
            return work()
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                return work()
        except OperationalError as error:
            if attempt == TRIES or not passing(error):
                raise
            log.info("transaction tried again: %s", error.args[:1])
            time.sleep(0.01 * 2**attempt * random.random())
    raise AssertionError("unreachable")


def passing(error: OperationalError) -> bool:
    """Whether the same transaction may well succeed a moment later."""
    return error.args[:1] != () and (error.args[0] in PASSING or "database is locked" in str(error.args[0]))
