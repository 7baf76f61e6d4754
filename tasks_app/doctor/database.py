"""The database: whether it answers, what it promises, how full it is, and whether its clock is ours."""

from collections.abc import Iterator
from time import perf_counter

from django.core import checks
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from ..engine.clock import DatabaseClock
from .verdict import Verdict, by_limits, fail, line, ms_since, ok, warn

SLOW_MS = 20.0
TOO_OLD = {True: (10, 11, 5), False: (8, 0, 16)}  # MariaDB, MySQL: the first that keep UUIDv7 in order and check constraints
ASKED = 5


def reach() -> Iterator[Verdict]:
    """Version and latency; what else is asked of the database is asked only if this is no failure."""
    try:
        connection.ensure_connection()
        took = min(_latency_ms() for _ in range(ASKED))  # the other checks run beside this one
    except DatabaseError as fault:
        yield fail(
            "database",
            line(fault.args[-1] if fault.args else fault),
            "Start it, or mend DATABASE_URL. Nothing is accepted meanwhile, and nothing is lost.",
        )
        return
    if connection.vendor != "mysql":
        yield ok("database", f"SQLite in {took:.1f} ms: for one machine and few clients")
        return
    if connection.mysql_version < TOO_OLD[connection.mysql_is_mariadb]:
        yield fail("database", _version(), "Upgrade: MariaDB 10.11.5 or MySQL 8.0.16 at least.")
        return
    remedy = "Each step of each task pays this: bring it nearer, or look for its load (SHOW PROCESSLIST, manage.py slow_queries)."
    yield by_limits("database", took, f"{_version()} in {took:.1f} ms", remedy, warn_above=SLOW_MS, fail_above=500)


def schema() -> Iterator[Verdict]:
    """Its tables are those that this code expects, and keep text in any language."""
    executor = MigrationExecutor(connection)
    if behind := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        first, _ = behind[0]
        yield fail("schema", f"{len(behind)} migrations behind, from {first.app_label} {first.name} on", "manage.py migrate")
    faults = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    for one in faults:
        yield fail("schema", line(f"{one.id}: {one.msg}"), str(one.hint))
    if not behind and not faults:
        yield ok("schema", "is this code's")


def durability() -> Iterator[Verdict]:
    """A commit that was answered 201 must outlive a power cut."""
    if connection.vendor != "mysql":
        yield ok("durability", "SQLite's own")
        return
    wrong = [f"{name}={found}" for name, found in _variables(DURABLE).items() if found not in DURABLE[name]]
    if "STRICT" not in _variables(["sql_mode"])["sql_mode"]:
        wrong.append("sql_mode is not strict")
    if wrong:
        yield warn("durability", ", ".join(wrong), "Set " + ", ".join(f"{name}={good[0]}" for name, good in DURABLE.items()) + ".")
    else:
        yield ok("durability", "each commit is on disk before it is answered")


def connections() -> Iterator[Verdict]:
    if connection.vendor != "mysql":
        yield ok("connections", "SQLite counts none")
        return
    most = int(_variables(["max_connections"])["max_connections"])
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Threads_connected'")
        used = int(cursor.fetchone()[1])
    remedy = "Raise max_connections, or lower WEB_WORKERS × WEB_THREADS; SHOW PROCESSLIST tells whose they are."
    yield by_limits("connections", used / most, f"{used} of {most} used", remedy, warn_above=0.8, fail_above=0.95)


def clock() -> Iterator[Verdict]:
    """Leases and deadlines go by the database's clock; log lines, signatures and links go by this machine's."""
    if connection.vendor != "mysql":
        yield ok("clock", "the database goes by this machine's")
        return
    before = timezone.now()
    theirs = DatabaseClock.ask()
    off = abs((theirs - before - (timezone.now() - before) / 2).total_seconds())
    remedy = "Have both machines keep time: timedatectl set-ntp true. Webhooks are refused by careful receivers from 5 minutes on."
    yield by_limits("clock", off, f"{off:.1f} s between this machine and the database", remedy, warn_above=2, fail_above=60)


# What is as good stands behind what is asked for; a server without a binary log has no use for sync_binlog, and a copy-on-write disk may
# do without the double write, but then an operator knows.
DURABLE = {"innodb_flush_log_at_trx_commit": ("1",), "innodb_doublewrite": ("ON", "1"), "sync_binlog": ("1",)}


def _variables(names) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW VARIABLES WHERE Variable_name IN %s", [[*names, "log_bin"]])
        found = dict(cursor.fetchall())
    if found.pop("log_bin", "OFF") == "OFF":
        found.pop("sync_binlog", None)
    return found


def _latency_ms() -> float:
    began = perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return ms_since(began)


def _version() -> str:
    number = ".".join(map(str, connection.mysql_version))
    return f"{'MariaDB' if connection.mysql_is_mariadb else 'MySQL'} {number}"
