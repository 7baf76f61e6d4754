"""The short form: the troubles that find most in the least time. All of them: `make faults`."""

import os
import random

import pytest

from .fire import fight
from .stage import stage as new_stage
from .trouble import NotHere
from .troubles import TROUBLES

SEED = os.environ.get("FAULTS_SEED") or f"{random.SystemRandom().randrange(10**6)}"


@pytest.fixture(scope="module")
def stage(tmp_path_factory, request):
    if not request.config.getoption("--servers"):
        pytest.skip("is about real servers: pytest --servers")
    with new_stage(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.mark.parametrize("trouble", [pytest.param(one, id=one.name) for one in TROUBLES if one.short])
def test_nothing_is_lost_doubled_or_leaked_when(trouble, stage):
    print(f"FAULTS_SEED={SEED}")
    try:
        verdict = fight(stage, trouble, SEED)
    except NotHere as reason:
        pytest.skip(str(reason))
    assert verdict.found.wrong == []
