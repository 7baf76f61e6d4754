"""Requests made up from the API's own description (tests/tasks_app/api/test_fuzz.py), with the stage's servers, and what was counted."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .stage import DATABASE, ROOT, Stage

CASES = os.environ.get("SCHEMA_CASES", "50")  # for each call
FUZZ = "tests/tasks_app/api/test_fuzz.py"


def make_up(stage: Stage) -> tuple[list[tuple[str, str]], bool]:
    """(what, figure) of all that was asked, and whether each answer was one that the description has."""
    report = stage.folder / "requests.xml"
    environment = stage.environment | {"SCHEMA_CASES": CASES, "DATABASE_URL": stage.mariadb.url(DATABASE)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "junit_family=xunit1", f"--junitxml={report}", FUZZ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stdout[-4000:], flush=True)
    counted = _counted(report)
    figure = "{requests} at {calls} calls: {server_errors} answered 5xx, {undescribed} otherwise than described".format(**counted)
    return [("requests made up from the API's own description", figure)], not done.returncode


def _counted(report: Path) -> dict[str, str]:
    """The properties that the test recorded; question marks where it did not come so far."""
    found = {one.get("name", ""): one.get("value", "") for one in ElementTree.parse(report).iter("property")} if report.exists() else {}
    return dict.fromkeys(("requests", "calls", "server_errors", "undescribed"), "?") | found
