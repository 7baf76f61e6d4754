"""The systemd units: sound by systemd's own judgement, confined, and the same processes as everywhere else."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.celery import SCHEDULE
from tasks_app import ticks
from tasks_app.engine import pump
from tests.deploy import units
from tests.deploy.web import ROOT

SYSTEM_UNITS = Path("/usr/lib/systemd/system")
PROGRAMS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A root folder with our units and the programs that they start, and systemd's own units beside them."""
    root = tmp_path_factory.mktemp("root")
    shutil.copytree(units.FOLDER, root / "etc/systemd/system")
    (root / "usr/lib/systemd/system").mkdir(parents=True)
    for path in (*SYSTEM_UNITS.glob("*.target"), *SYSTEM_UNITS.glob("*.slice")):
        shutil.copy(path, root / "usr/lib/systemd/system")
    current = root / "opt/darkroom/current"
    (current / ".venv/bin").mkdir(parents=True)
    for program in ("python", "gunicorn", "celery"):
        shutil.copy(PROGRAMS / program, current / ".venv/bin")
    shutil.copytree(ROOT / "deploy", current / "deploy")
    return root


def judged(*words):
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class TestSystemd:
    def test_finds_no_fault(self, installed):
        names = [f"{name}.service" for name in units.SERVICES]
        assert judged("verify", f"--root={installed}", "darkroom.target", *names) == (0, "")

    @pytest.mark.parametrize("name", units.SERVICES)
    def test_calls_the_exposure_two_or_less(self, installed, name):
        code, said = judged("security", f"--root={installed}", "--offline=yes", "--threshold=20", "--no-pager", f"{name}.service")
        assert code == 0, said

    def test_restarts_every_night_at_four_within_a_quarter_of_an_hour(self):
        calendar = units.value("darkroom-restart.timer", "OnCalendar")
        _, said = judged("calendar", "--base-time=2026-11-25 12:00:00 UTC", calendar)
        assert "Next elapse: Thu 2026-11-26 04:00:00 UTC" in said
        assert units.value("darkroom-restart.timer", "RandomizedDelaySec") == "15min"


class TestTheTarget:
    def test_wants_every_unit_that_serves_and_both_timers(self):
        wanted = {unit for line in units.values("darkroom.target", "Wants") for unit in line.split()}
        serving = {f"{name}.service" for name in units.SERVING}
        assert wanted == serving | {"darkroom-web.socket", "darkroom-stream.socket", "darkroom-restart.timer", "darkroom-backup.timer"}

    def test_stops_them_with_itself(self):
        for unit in (*(f"{name}.service" for name in units.SERVING), "darkroom-web.socket", "darkroom-stream.socket"):
            assert units.value(unit, "PartOf") == "darkroom.target"


class TestTheProcesses:
    """What systemd starts is what the Procfile names, and so what `manage.py up` serves; but a worker for each queue."""

    procfile = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text(encoding="utf-8").splitlines())

    @pytest.mark.parametrize("name", ["web", "stream", "beat", "functions"])
    def test_are_started_by_the_same_command(self, name):
        assert units.command(f"darkroom-{name}.service") == self.procfile[name]

    def test_web_and_stream_meet_at_a_place_that_the_stream_tier_may_write_to(self):
        places = {units.value(f"darkroom-{name}.service", "Environment") for name in ("web", "stream")}
        folder = units.value("darkroom-stream.service", "RuntimeDirectory")
        assert places == {f"STREAM_SOCKET=/run/{folder}/handover.sock"}

    @pytest.mark.parametrize("queue", units.QUEUES)
    def test_a_worker_serves_one_queue_and_is_else_the_same(self, queue):
        assert units.command(f"darkroom-worker@{queue}.service") == self.procfile["worker"].replace(",".join(units.QUEUES), queue)

    def test_there_is_a_worker_for_each_queue_of_the_schedule(self):
        assert {duty.queue for duty in SCHEDULE.values()} == set(units.QUEUES)

    def test_each_is_started_again_whenever_it_ends(self):
        for name in units.SERVING:
            assert (units.value(f"{name}.service", "Restart"), units.value(f"{name}.service", "StartLimitIntervalSec")) == ("always", "0")

    def test_what_renders_strangers_media_is_handed_no_secret_and_reaches_this_machine_only(self):
        assert units.values("darkroom-functions.service", "EnvironmentFile") == []
        assert units.value("darkroom-functions.service", "InaccessiblePaths") == "-/etc/darkroom"
        assert units.value("darkroom-functions.service", "IPAddressDeny") == "any"


class TestTheRestart:
    def test_takes_each_unit_that_serves_once(self):
        script = (ROOT / "deploy/restart").read_text(encoding="utf-8")
        for name in units.SERVING:
            assert script.count(f"{name}.service") == 1

    @pytest.mark.parametrize("queue", units.QUEUES)
    def test_gives_a_worker_longer_than_it_takes_at_most(self, queue):
        assert int(units.value(f"darkroom-worker@{queue}.service", "TimeoutStopSec")) > pump.STOP_WITHIN + ticks.LAST_WORDS
