"""docs/operations.md: whatever the doctor says, the runbook has a heading for it."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/operations.md").read_text()
HEADINGS = set(re.findall(r"^### (.+)$", PAGE, re.MULTILINE))


def test_every_verdict_of_the_doctor_has_a_heading_and_no_heading_is_without_one():
    source = "".join(path.read_text() for path in (ROOT / "tasks_app/doctor").glob("*.py"))
    checks = set(re.findall(r'(?:\bok|warn|fail|judge|by_limits)\(\s*"([^"]+)"', source))
    assert len(checks) > 15
    assert checks == HEADINGS
