"""Two worker hosts, one of them cut off and returned: nothing is lost, and nothing happens twice."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .cuts import CUTS
from .lan import NotAllowed, in_a_network_of_its_own

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def verdicts(request):
    """By cut. The run is a process of its own, for its network is."""
    if not request.config.getoption("--servers"):
        pytest.skip("is about real servers: pytest --servers")
    try:
        command = in_a_network_of_its_own([sys.executable, "-m", "tests.journeys.hosts"])
    except NotAllowed as why:
        pytest.skip(str(why))
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    print(ran.stdout)
    return {told["cut"]: told for told in map(json.loads, ran.stdout.splitlines())}


@pytest.mark.parametrize("cut", [pytest.param(cut, id=cut.name) for cut in CUTS])
def test_nothing_is_lost_and_nothing_is_bought_twice_when(cut, verdicts):
    told = verdicts[cut.name]
    assert told["wrong"] == []
    assert told["tasks"] == cut.tasks
