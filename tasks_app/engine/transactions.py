"""Whole transactions, tried again where the database says that only the moment was wrong."""

import logging
import random
import time
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, OperationalError, connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger(__name__)
T = TypeVar("T")
# Deadlock, lock wait time-out, record changed since last read (MariaDB's snapshot isolation); SQLite's busy.
PASSING = {1213, 1205, 1020}
TRIES = 4
# A statement, its values, and how many rows it has to write.
Step = tuple[str, Sequence[Any], int]
# A transaction as one statement of MariaDB's (BEGIN NOT ATOMIC). Whoever commits waits for the server once, instead of once a statement,
# and as often for its turn at Python's lock; meanwhile others wait for the rows that it has locked.
IN_ONE_TRIP = "BEGIN NOT ATOMIC START TRANSACTION; {} COMMIT; END"
CHECKED = "{}; IF ROW_COUNT() <> {:d} THEN SIGNAL SQLSTATE '45000'; END IF;"
SIGNALLED = 1644


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


def at_once(steps: Sequence[Step]) -> bool:
    """Run these in one transaction; False, and nothing is written, where one of them does not write the rows that it should.

    Raises what the database raises, and then what was written is rolled back, unless the answer to a COMMIT was lost.
    """
    database = connections[DEFAULT_DB_ALIAS]  # Django's `connection` would look it up for each of its attributes
    takes_blocks = database.vendor == "mysql" and database.mysql_is_mariadb
    return _in_one_trip(steps, database) if takes_blocks and not database.in_atomic_block else _one_by_one(steps)


def _one_by_one(steps: Sequence[Step]) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement, values, rows in steps:
            cursor.execute(statement, values)
            if cursor.rowcount != rows:
                transaction.set_rollback(True)
                return False
    return True


def _in_one_trip(steps: Sequence[Step], database: BaseDatabaseWrapper) -> bool:
    block = " ".join(CHECKED.format(statement, rows) for statement, _, rows in steps)
    try:
        database.run(IN_ONE_TRIP.format(block), list(chain.from_iterable(values for _, values, _ in steps)))
    except Error as error:
        _roll_back()
        if error.args[:1] != (SIGNALLED,):
            raise
        return False
    return True


def _roll_back() -> None:
    try:
        connection.rollback()
    except Error:
        connection.close()  # the server has ended it, and rolls back by itself
