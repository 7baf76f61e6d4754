"""The installer on a fresh Debian 12 with systemd, by `make machine`: it takes minutes. Each test goes on from the one before."""

import json
import os
import ssl
from http.client import HTTPSConnection

import pytest

from tests.deploy import units
from tests.deploy.clients import READERS, Clients
from tests.deploy.machine import CODE, NO_INDEX, Machine, can_be_had
from tests.deploy.web import PATIENCE_S, wait_until

pytestmark = [
    pytest.mark.skipif(not os.environ.get("MACHINE"), reason="make machine runs it"),
    pytest.mark.skipif(not can_be_had(), reason="needs root, debootstrap and systemd-nspawn"),
]
HOST = "darkroom.test"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    with Machine(tmp_path_factory.mktemp("machine")) as booted:
        yield booted


class Proxy:
    """The machine's nginx; its certificate is signed by itself."""

    def connect(self):
        return HTTPSConnection("127.0.0.1", 443, timeout=PATIENCE_S, context=ssl._create_unverified_context())


def status_of(unit, machine):
    return machine.run("systemctl", "is-active", unit).stdout.strip()


def at_work(machine, *command, **variables):
    """Run a command of the machine while clients read and post; returns what they were answered, and their tasks' ends."""
    key = machine.said("darkroom", "create_account", f"acme-{os.urandom(4).hex()}", "--credits", "10000").split()[-1]
    with Clients(Proxy(), key, host=HOST) as clients:
        wait_until(lambda: clients.statuses.total() > 10 * READERS, "the clients were at work")
        machine.said(*command, **variables)
    asked = Proxy().connect()

    def ended(task):
        return json.loads(clients.ask(asked, "GET", f"/api/v1/tasks/{task}")[1])["status"] == "succeeded"

    wait_until(lambda: all(map(ended, clients.tasks)), "every task was done")
    return set(clients.statuses)


class TestAFreshServer:
    def test_is_installed_by_one_command_and_serves(self, machine):
        said = machine.install("--host", HOST)
        assert f"Darkroom serves at https://{HOST}/" in said
        wait_until(lambda: all(status_of(f"{name}.service", machine) == "active" for name in units.SERVING), "everything ran")
        for timer in ("restart", "backup"):
            assert status_of(f"darkroom-{timer}.timer", machine) == "active"

    def test_shows_no_secret_and_keeps_them_to_itself(self, machine):
        assert machine.said("stat", "-c", "%a %U %G", "/etc/darkroom/env") == "640 root darkroom\n"

    def test_a_second_run_finds_its_work_done_and_keeps_the_secrets(self, machine):
        secrets, pid = machine.said("cat", "/etc/darkroom/env"), machine.said("systemctl", "show", "-P", "MainPID", "mariadb")
        said = machine.install("--host", HOST)
        assert machine.said("cat", "/etc/darkroom/env") == secrets
        assert "is this one already" in said
        assert machine.said("systemctl", "show", "-P", "MainPID", "mariadb") == pid


class TestUnderLoad:
    def test_the_nightly_restart_fails_no_request_and_loses_no_task(self, machine):
        assert at_work(machine, "systemctl", "start", "darkroom-restart.service") == {200, 201}

    def test_an_upgrade_does_neither_and_takes_a_backup_first(self, machine):
        before = machine.said("readlink", "/opt/darkroom/current")
        machine.said("sh", "-c", f"echo >> {CODE}/docs/credits.md")
        assert at_work(machine, f"{CODE}/deploy/upgrade", **NO_INDEX) == {200, 201}
        assert machine.said("readlink", "/opt/darkroom/current") != before
        assert machine.said("readlink", "/opt/darkroom/previous") == before
        assert machine.said("sh", "-c", "ls -d /var/backups/darkroom/*Z")

    def test_a_rollback_does_neither(self, machine):
        before = machine.said("readlink", "/opt/darkroom/previous")
        assert at_work(machine, "/opt/darkroom/current/deploy/rollback") == {200, 201}
        assert machine.said("readlink", "/opt/darkroom/current") == before


class TestTheBackup:
    def test_is_put_back_to_an_empty_database(self, machine):
        machine.said("systemctl", "start", "darkroom-backup.service")
        machine.said("mariadb", "-e", "CREATE DATABASE back CHARACTER SET utf8mb4; GRANT ALL ON back.* TO darkroom@127.0.0.1")
        url = machine.said("sh", "-c", "sed -n \"s/^DATABASE_URL='\\(.*\\)'/\\1/p\" /etc/darkroom/env").strip()
        backup = machine.said("sh", "-c", "ls -d /var/backups/darkroom/*Z | tail -1").strip()
        there = {"DATABASE_URL": f"{url.rpartition('/')[0]}/back", "STORAGE_DIR": "/var/lib/darkroom/back"}
        environment = [f"{name}={value}" for name, value in there.items()]
        restore = ["runuser", "-u", "darkroom", "--", "env", *environment, ".venv/bin/python", "deploy/restore", backup]
        said = machine.said("env", "--chdir=/opt/darkroom/current", *restore)
        assert "Every file is there, and is what the database says." in said
