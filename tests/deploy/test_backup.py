"""A backup made while everything serves, put back to an empty server: the same rows, the same bytes."""

import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from tests.deploy.web import ROOT
from tests.servers import MariaDB

PASSWORD = "hush hush/%&"
CARDS = 3


class Place:
    """A server's database and storage."""

    def __init__(self, server, name, folder):
        server.run(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        url = f"mysql://darkroom:hush%20hush%2F%25%26@127.0.0.1:{server.port}/{name}"
        self.server, self.name, self.storage = server, name, folder / name
        self.environment = os.environ | {"DATABASE_URL": url, "REDIS_URL": "", "STORAGE": "disk", "STORAGE_DIR": str(self.storage)}

    def run(self, *words):
        return subprocess.run([sys.executable, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)

    def backup(self, folder):
        done = self.run("deploy/backup", str(folder))
        assert done.returncode == 0, done.stderr
        return Path(done.stdout.partition(": ")[0])

    def restore(self, backup):
        done = self.run("deploy/restore", str(backup))
        return done.returncode, done.stdout + done.stderr

    def sum(self, table):
        """Of all its rows, as the server counts it."""
        return int(self.server.run(f"CHECKSUM TABLE {self.name}.{table}").split()[-1])

    def keep(self, name, content):
        """A file as a client uploads one: its bytes, then its row."""
        key = f"files/{name}"
        (self.storage / "files").mkdir(parents=True, exist_ok=True)
        (self.storage / key).write_bytes(content)
        columns = "id, account_id, name, content_type, bytes, sha256, `key`, created_at"
        sha256 = hashlib.sha256(content).hexdigest()
        values = f"UNHEX(REPLACE(UUID(), '-', '')), 1, '{name} 猫', 'text/plain', {len(content)}, '{sha256}', '{key}', NOW(6)"
        self.server.run(f"INSERT INTO {self.name}.tasks_app_file ({columns}) VALUES ({values})")


@pytest.fixture(scope="module")
def server():
    with MariaDB() as started:
        started.run(f"CREATE USER darkroom@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON *.* TO darkroom@'127.0.0.1'")
        yield started


@pytest.fixture
def place(server, tmp_path):
    """Makes places on the server, which are empty."""
    made = []

    def make(name):
        made.append(name)
        return Place(server, name, tmp_path)

    yield make
    for name in made:
        server.run(f"DROP DATABASE {name}")


@pytest.fixture(scope="module")
def ours(server, tmp_path_factory):
    """Has tables and three files."""
    here = Place(server, "ours", tmp_path_factory.mktemp("ours"))
    assert here.run("manage.py", "migrate", "--verbosity", "0").returncode == 0
    for number in range(CARDS):
        here.keep(f"card{number}", os.urandom(100_000 + number))
    return here


class TestABackup:
    def test_put_back_to_an_empty_server_has_the_same_rows_and_bytes(self, ours, place, tmp_path):
        backup, empty = ours.backup(tmp_path / "backups"), place("empty")
        code, said = empty.restore(backup)
        assert (code, "Every file is there" in said, "darkroom after_restore" in said) == (0, True, True)
        for table in ("tasks_app_file", "django_migrations", "auth_permission"):
            assert empty.sum(table) == ours.sum(table)
        assert contents(empty.storage) == contents(ours.storage)

    def test_made_while_clients_upload_names_no_file_that_it_lacks(self, ours, place, tmp_path):
        over = threading.Event()

        def upload():
            for number in count():
                ours.keep(f"busy{number}", os.urandom(1000))
                if over.is_set():
                    return

        with ThreadPoolExecutor(1) as pool:
            uploading = pool.submit(upload)
            backup = ours.backup(tmp_path / "backups")
            over.set()
            uploading.result()
        code, said = place("empty").restore(backup)
        assert (code, "is missing" in said) == (0, False)
        assert list((backup / "storage/files").glob("busy*"))

    def test_shows_no_password(self, ours, tmp_path):
        done = ours.run("deploy/backup", str(tmp_path / "backups"))
        assert "hush" not in done.stdout + done.stderr

    def test_is_nobody_elses_to_read(self, ours, tmp_path):
        backup = ours.backup(tmp_path / "backups")
        assert {path.stat().st_mode & 0o077 for path in (backup, backup / "database.sql.gz", backup / "SHA256")} == {0}

    def test_the_next_one_holds_what_is_there_no_second_time(self, ours, tmp_path):
        backup = ours.backup(tmp_path / "backups")
        first = backup.rename(backup.with_name("2026-01-01T023000Z"))  # both may be made within one second
        ours.keep("later", b"later")
        second = ours.backup(tmp_path / "backups")
        assert (first / "storage/files/card0").samefile(second / "storage/files/card0")
        assert not (first / "storage/files/later").exists()
        assert (second / "storage/files/later").read_bytes() == b"later"

    def test_seven_are_kept_and_nothing_that_was_cut_off(self, ours, tmp_path):
        folder = tmp_path / "backups"
        for day in range(1, 9):
            (folder / f"2026-01-0{day}T023000Z").mkdir(parents=True)
        (folder / "2026-01-09T023000Z.partial").mkdir()
        backup = ours.backup(folder)
        assert sorted(path.name for path in folder.iterdir()) == [f"2026-01-0{day}T023000Z" for day in range(3, 9)] + [backup.name]

    def test_of_a_database_that_is_away_leaves_nothing_that_looks_whole(self, ours, tmp_path, monkeypatch):
        monkeypatch.setitem(ours.environment, "DATABASE_URL", "mysql://darkroom@127.0.0.1:1/ours")
        done = ours.run("deploy/backup", str(tmp_path / "backups"))
        assert done.returncode == 1
        assert list((tmp_path / "backups").glob("*Z")) == []


class TestARestore:
    def test_into_a_database_with_tables_is_refused(self, ours, tmp_path):
        backup, before = ours.backup(tmp_path / "backups"), ours.sum("tasks_app_file")
        code, said = ours.restore(backup)
        assert (code, "has tables" in said) == (1, True)
        assert ours.sum("tasks_app_file") == before

    def test_of_a_damaged_backup_is_refused(self, ours, place, tmp_path):
        backup, empty = ours.backup(tmp_path / "backups"), place("empty")
        damaged = bytearray((backup / "database.sql.gz").read_bytes())
        damaged[len(damaged) // 2] ^= 1
        (backup / "database.sql.gz").write_bytes(damaged)
        code, said = empty.restore(backup)
        assert (code, "is not what was written there" in said) == (1, True)
        assert empty.server.run("SHOW TABLES FROM empty") == ""

    def test_says_which_files_are_missing_or_are_others(self, ours, place, tmp_path):
        backup, empty = ours.backup(tmp_path / "backups"), place("empty")
        (backup / "storage/files/card0").unlink()
        (backup / "storage/files/card1").write_bytes(b"other")
        code, said = empty.restore(backup)
        assert code == 1
        assert "files/card0 is missing." in said
        assert "files/card1 has other bytes than the database says." in said
        assert "card2" not in said

    def test_overwrites_no_file(self, ours, place, tmp_path):
        backup, empty = ours.backup(tmp_path / "backups"), place("empty")
        (empty.storage / "files").mkdir(parents=True)
        (empty.storage / "files/card0").write_bytes(b"mine")
        empty.restore(backup)
        assert (empty.storage / "files/card0").read_bytes() == b"mine"


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
