"""docs/operations.md: whatever the doctor says, the runbook has a heading for it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/operations.md").read_text()
BY_VERDICT, _, BY_ALERT = PAGE.partition("## By the alert")


def headings(text: str) -> list[str]:
    return re.findall(r"^### (.+)$", text, re.MULTILINE)


def test_every_verdict_of_the_doctor_has_a_heading_and_no_heading_is_without_one():
    source = "".join(path.read_text() for path in (ROOT / "tasks_app/doctor").glob("*.py"))
    checks = set(re.findall(r'(?:\bok|warn|fail|judge|by_limits)\(\s*"([^"]+)"', source))
    assert len(checks) > 15
    assert checks == set(headings(BY_VERDICT))


def test_every_alert_has_a_heading_in_the_alerts_own_order():
    alerts = re.findall(r"- alert: (\w+)", (ROOT / "deploy/monitoring/alerts.yml").read_text())
    assert alerts == headings(BY_ALERT)


def test_every_link_within_the_page_leads_to_a_heading():
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall("^#+ (.+)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\(#([^)]+)\)", PAGE)) <= anchors


def test_every_command_that_it_names_exists():
    words = set(re.findall(r"manage\.py (\w+)", PAGE)) - {"check", "migrate"}
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    assert words - commands == set()
