"""All cuts, one after another, on a stage of three hosts; a line of JSON for each. See this package's docstring."""

import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import django


def main() -> int:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
    django.setup()
    from tests.journeys.faults.fire import fight
    from tests.journeys.faults.stage import stage

    from .cuts import CUTS
    from .lan import MAIN, Lan

    seed = os.environ.get("FAULTS_SEED") or f"{random.SystemRandom().randrange(10**6)}"
    with (
        Lan() as lan,
        tempfile.TemporaryDirectory(prefix="darkroom-hosts-") as folder,
        stage(Path(folder), host=MAIN, workers_at=lan.hosts) as whole,
    ):
        for cut in CUTS:
            print(json.dumps(told(fight(whole, cut, seed), seed)), flush=True)
    return 0


def told(verdict: Any, seed: str) -> dict[str, Any]:
    found = verdict.found
    return {
        "cut": verdict.trouble.name,
        "seed": seed,
        "tasks": found.tasks,
        "succeeded": found.succeeded,
        "given_up": found.given_up,
        "moved_s": [round(moved, 1) for moved in verdict.moved_s],
        "lasted_s": round(verdict.lasted_s),
        "wrong": found.wrong,
    }


if __name__ == "__main__":
    sys.exit(main())
