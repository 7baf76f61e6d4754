"""`manage.py slow_queries [FILE]`: which statements take the database's time, worst first, their values left out."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError, connection

from tasks_app.management.slow_log import Query, digested, in_file

MOST = 100_000  # of the newest rows of mysql.slow_log
OFF = (
    "The slow query log is off. SET GLOBAL slow_query_log = 1, long_query_time = 0.2; it is written to {file}: read that here, or have it "
    "in a table, SET GLOBAL log_output = 'TABLE'. Connections that are open take it up when they are opened anew, after ten "
    "minutes at most. Write both into the server's file as well."
)


class Command(BaseCommand):
    help = "Digests the slow query log: of FILE, or of the server's own table or file."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("file", nargs="?", type=Path, help="a slow query log file; none: what the server says of itself")
        parser.add_argument("--top", type=int, default=20, help="how many statements (20)")

    def handle(self, *args, file, top, **options):
        digests = digested(_of_file(file) if file else _of_server())
        if not digests:
            self.stdout.write("No query was slow.")
            return
        self.stdout.write(f"{'count':>7} {'total s':>9} {'P95 s':>8} {'rows each':>10}  statement")
        for one in digests[:top]:
            self.stdout.write(f"{len(one.seconds):>7} {one.total_s:>9.2f} {one.p95_s:>8.3f} {one.rows_each:>10,.0f}  {one.fingerprint}")


def _of_file(path: Path) -> Iterator[Query]:
    try:
        with path.open(errors="replace") as lines:
            yield from in_file(lines)
    except OSError as fault:
        raise CommandError(f"{path}: {fault.strerror}. Its group may read it on most systems: run this as root, or as mysql.") from None


def _of_server() -> Iterable[Query]:
    """From mysql.slow_log where the server writes there, else from its file where that lies on this machine."""
    if connection.vendor != "mysql":
        raise CommandError("SQLite has no slow query log; name a file.")
    try:
        settings = _settings()
        if settings["slow_query_log"] != "ON":
            raise CommandError(OFF.format(file=_place(settings)))
        return _of_table() if "TABLE" in settings["log_output"] else _of_file(_place(settings))
    except DatabaseError as fault:
        raise CommandError(f"{fault.args[-1]}. GRANT SELECT ON mysql.slow_log to this user, or name the file.") from None


def _settings() -> dict[str, str]:
    names = ("slow_query_log", "slow_query_log_file", "log_output", "datadir")
    with connection.cursor() as cursor:
        cursor.execute("SHOW GLOBAL VARIABLES WHERE Variable_name IN %s", [names])
        return dict(cursor.fetchall())


def _place(settings: dict[str, str]) -> Path:
    return Path(settings["datadir"]) / settings["slow_query_log_file"]


def _of_table() -> list[Query]:
    ask = "SELECT TIME_TO_SEC(query_time) + MICROSECOND(query_time) / 1e6, rows_examined, sql_text FROM mysql.slow_log"
    with connection.cursor() as cursor:
        cursor.execute(f"{ask} ORDER BY start_time DESC LIMIT {MOST}")
        return [
            Query(float(seconds), rows, sql.decode(errors="replace") if isinstance(sql, bytes) else sql) for seconds, rows, sql in cursor
        ]
