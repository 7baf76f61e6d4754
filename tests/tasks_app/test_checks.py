"""What `manage.py migrate` says of a database before it makes a table there."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection


@pytest.fixture
def database(db):
    """Make a database of a character set beside the test's own; returns its URL."""
    if connection.vendor != "mysql":
        pytest.skip("only MySQL and MariaDB have a character set for each database")
    made = []

    def make(charset: str) -> str:
        made.append(f"{connection.settings_dict['NAME']}_{charset}")
        run(f"CREATE DATABASE `{made[-1]}` CHARACTER SET {charset}")
        return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{made[-1]}").geturl()

    yield make
    for name in made:
        run(f"DROP DATABASE `{name}`")


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def manage(url: str, *words: str) -> tuple[int, str]:
    """The exit code of a command on that database, and what it said."""
    command = [sys.executable, "manage.py", *words]
    environment = {**os.environ, "DATABASE_URL": url}
    done = subprocess.run(command, cwd=settings.PROCFILE.parent, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


class TestADatabaseInLatin1:
    def test_is_refused_before_a_table_is_made_in_it(self, database):
        url = database("latin1")
        code, said = manage(url, "migrate")
        assert code != 0
        assert "tasks_app.E002" in said
        assert "ALTER DATABASE" in said
        assert "auth_user" not in manage(url, "inspectdb")[1]

    def test_is_not_healed_by_its_new_character_set_alone(self, database):
        url = database("latin1")
        name = urlsplit(url).path[1:]
        run(f"CREATE TABLE `{name}`.tasks_app_task (prompt TEXT)")
        run(f"ALTER DATABASE `{name}` CHARACTER SET utf8mb4")
        code, said = manage(url, "migrate")
        assert code != 0
        assert "tasks_app.E003" in said
        assert "tasks_app_task" in said


class TestADatabaseInUtf8mb4:
    def test_is_fine_and_so_are_the_tables_that_migrate_makes_there(self, database):
        url = database("utf8mb4")
        assert manage(url, "migrate", "--verbosity", "0") == (0, "")
        code, said = manage(url, "check", "--database", "default")
        assert code == 0, said


class TestSqlite:
    def test_has_no_character_set_to_be_wrong(self, tmp_path):
        code, said = manage(f"sqlite:///{tmp_path}/x.sqlite3", "check", "--database", "default")
        assert code == 0, said
