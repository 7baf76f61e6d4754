"""A load test of a Darkroom that runs: what it says it sent is what that one has."""

import json
import subprocess
import sys

from tasks_app.management.stage import ROOT, Stage


def test_each_task_that_it_says_was_accepted_is_there(tmp_path):
    with Stage(tmp_path / "stage") as stage:
        client = stage.client(credits=10_000)
        command = [sys.executable, "manage.py", "loadtest", "--url", stage.url, "--keys", "-", "--out", str(tmp_path / "run")]
        how = ["--rate", "15", "--seconds", "4", "--ramp", "1", "--mix", "accept=1,get=8,list=3,account=2,models=1,quote=1"]
        said = subprocess.run([*command, *how], cwd=ROOT, input=client._key, capture_output=True, text=True, check=False)
        tasks = client.call("GET", "/api/v1/tasks?limit=100")["data"]
    assert said.returncode == 0, said.stdout + said.stderr
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["all"]["errors"] == {}
    assert run["all"]["requests"] == 53  # 7.5 of the first second, and 15 of each other
    assert len(tasks) == run["calls"]["accept"]["requests"] + 1  # one before, to have a task to read
