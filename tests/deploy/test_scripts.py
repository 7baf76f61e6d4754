"""The scripts of deploy/: sound by shellcheck, and what they say they would do they do not do."""

import subprocess

import pytest

from tests.deploy.web import ROOT

SCRIPTS = ("install", "upgrade", "rollback", "restart", "steps.sh", "system/darkroom")
THEIRS = ("--database-url", "mysql://user:hush-hush@db.example.com/darkroom", "--redis-url", "redis://redis.example.com:6379/0")
PLACES = (
    "/opt/darkroom",
    "/etc/darkroom",
    "/var/lib/darkroom",
    "/etc/systemd/system/darkroom.target",
    "/etc/nginx/sites-available/darkroom",
)


def called(script, *options):
    done = subprocess.run([str(ROOT / "deploy" / script), *options], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_shellcheck_finds_nothing(script):
    command = ["shellcheck", "--external-sources", f"--source-path={ROOT / 'deploy'}", str(ROOT / "deploy" / script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.fixture(scope="module")
def told():
    code, said = called("install", "--host", "api.example.com", *THEIRS, "--dry-run")
    assert code == 0, said
    return said


class TestADryRun:
    def test_tells_each_step(self, told):
        for what in ("Packages", "User and folders", "Environment", "Libraries", "Code", "Database", "nginx", "Start", "Next:"):
            assert f"\n{what}" in told or f" {what}" in told
        assert "manage.py migrate" in told

    def test_changes_nothing(self, told):
        done = subprocess.run(["ls", "-d", *PLACES], capture_output=True, text=True, check=False)
        assert done.stdout == ""

    def test_shows_no_secret(self, told):
        assert "hush-hush" not in told
        assert [line for line in told.splitlines() if "SECRET_KEY" in line] == ["   SECRET_KEY"]

    def test_installs_no_server_where_there_is_one_elsewhere(self, told):
        assert "mariadb-server" not in told
        assert "redis-server" not in told


class TestAServerOfSomebodyElses:
    """As the one that `make test` installs."""

    def test_is_not_given_our_settings(self):
        if subprocess.run(["dpkg", "-s", "mariadb-server"], capture_output=True, check=False).returncode:
            pytest.skip("there is none of Debian's packages here")
        code, said = called("install", "--host", "api.example.com", "--dry-run")
        assert (code, "mariadb-server is here, and not by us: say by --database-url how to reach it" in said) == (1, True)


class TestWhatIsNotUnderstood:
    @pytest.mark.parametrize("options", [(), ("--host",), ("--hots", "api.example.com"), ("--dry-run",)])
    def test_is_answered_by_the_usage(self, options):
        code, said = called("install", *options)
        assert (code, "deploy/install --host api.example.com" in said) == (2, True)

    def test_a_quote_in_a_url_is_refused(self):
        code, said = called("install", "--host", "api.example.com", "--database-url", "mysql://a:'b@host/name", "--dry-run")
        assert (code, "%27" in said) == (1, True)

    def test_upgrade_and_rollback_have_one_option(self):
        assert called("upgrade", "--force")[0] == called("rollback", "--force")[0] == 1
