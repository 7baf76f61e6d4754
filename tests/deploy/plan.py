"""The memory plan of docs/deployment.md, read from its table."""

import re
from typing import NamedTuple

from tests.deploy.web import ROOT

TEXT = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")


class Row(NamedTuple):
    expected: int
    maximum: int


def rows() -> dict[str, Row]:
    """MB by name: units without their ending, servers, and what the rest of the machine takes."""
    found = re.findall(r"^\| `?([\w@ -]+?)`? \| ([\d,]+) \| ([\d,]+) \|", TEXT, re.MULTILINE)
    return {name: Row(int(expected.replace(",", "")), int(maximum.replace(",", ""))) for name, expected, maximum in found}
