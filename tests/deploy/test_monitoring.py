"""The alerts and the dashboard that we ship: they ask for nothing that /metrics does not show."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.utils import timezone

from tasks_app import exposition
from tasks_app.models import Audit, Process

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy/monitoring/alerts.yml"
DASHBOARD = ROOT / "deploy/monitoring/grafana.json"
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


@pytest.fixture
def shown(db):
    """The names of all series that there can be, with their labels where there are some."""
    now = timezone.now()
    Process.objects.create(kind="beat", host="a", pid=1, started_at=now, seen_at=now)
    Audit.objects.create(started_at=now, finished_at=now, accounts=0, tasks=0, is_whole=True, faults=0)
    exposition._figures.forget()
    families = list(exposition.Page().collect())
    exposition._figures.forget()
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


def asked(path: Path) -> set[str]:
    return set(re.findall(r"\bdarkroom_\w+", path.read_text()))


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
def test_every_metric_that_is_asked_for_exists(path, shown):
    assert len(asked(path)) > 8
    assert asked(path) - shown == set()


def test_every_metric_there_is_stands_on_the_dashboard_or_in_an_alert(shown):
    named = {re.sub("_(bucket|count|sum)$", "", name) for name in asked(ALERTS) | asked(DASHBOARD)}
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in shown} - named == {"darkroom_processes"}


def test_every_alert_leads_to_its_heading_in_the_runbook():
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text())
    leads = re.findall(r"runbook: docs/operations.md#(\w+)", ALERTS.read_text())
    assert leads == [alert.lower() for alert in alerts]


def test_each_panel_has_a_question_and_a_place_of_its_own():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len({panel["id"] for panel in panels}) == len(panels)
    assert all(target["expr"] for panel in panels for target in panel["targets"])


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool, of Debian's package prometheus")
def test_promtool_finds_no_fault():
    done = subprocess.run(["promtool", "check", "rules", ALERTS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
