"""The database of DATABASE_URL, by MariaDB's or MySQL's own command-line programs; for backup and restore."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script of deploy/ does not look here

from config.env import env  # noqa: E402

# One snapshot for all tables, without a lock; rows pass through, not through memory.
DUMP = ("--single-transaction", "--quick", "--skip-lock-tables", "--no-tablespaces", "--hex-blob", "--default-character-set=utf8mb4")


class Refused(SystemExit):
    """Ends the program; the text says what is wrong, and what to do."""


def dump(to: IO[bytes]) -> None:
    """Write every table as SQL."""
    call("mariadb-dump", "mysqldump", *DUMP, name(), stdout=to)


def load(source: IO[bytes]) -> None:
    """Run the SQL of `source`; what fails stops it."""
    call("mariadb", "mysql", "--default-character-set=utf8mb4", name(), stdin=source)


def ask(sql: str) -> list[list[str]]:
    """The rows that the server answers, each value as text."""
    done = call("mariadb", "mysql", "--batch", "--raw", "--skip-column-names", "-e", sql, name(), stdout=subprocess.PIPE)
    return [line.split("\t") for line in done.stdout.decode().splitlines()]


def call(mariadb: str, mysql: str, *words: str, **streams: IO[bytes] | int) -> subprocess.CompletedProcess:
    """One of the programs, whichever is installed. The password goes by its environment: a command line is everybody's to read."""
    program = shutil.which(mariadb) or shutil.which(mysql)
    if program is None:
        raise Refused(f"{mariadb} is not on this machine: apt-get install mariadb-client.")
    parts = urlsplit(env["DATABASE_URL"])
    where = [f"--host={parts.hostname}", f"--port={parts.port or 3306}", "--protocol=tcp", f"--user={unquote(parts.username or '')}"]
    environment = os.environ | {"MYSQL_PWD": unquote(parts.password or "")}
    done = subprocess.run([program, *where, *words], env=environment, check=False, **streams)
    if done.returncode:
        raise Refused(f"{Path(program).name} failed; its lines are above.")
    return done


def name() -> str:
    parts = urlsplit(env["DATABASE_URL"])
    if parts.scheme != "mysql":
        raise Refused("This is for MySQL and MariaDB; an SQLite database is one file: sqlite3 FILE '.backup COPY'.")
    return parts.path[1:]
