"""Every trouble, one after another (those whose name has one of the words given; all, unless told); see this package's docstring.

With FAULTS_IN=cloud, functions run on a simulated SCF and files lie in a simulated COS.

Then, as "schema", what schemathesis makes up from the API's description; SCHEMA_CASES of it for each call.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

import django


def main(words: list[str]) -> int:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
    django.setup()
    from . import page, schema
    from .fire import fight
    from .stage import stage
    from .trouble import NotHere
    from .troubles import TROUBLES

    seed = os.environ.get("FAULTS_SEED") or f"{random.SystemRandom().randrange(10**6)}"
    rounds = int(os.environ.get("FAULTS_ROUNDS") or 1)
    in_cloud = os.environ.get("FAULTS_IN") == "cloud"
    here = [one for one in TROUBLES if in_cloud or one.group != "cloud"]
    chosen = [one for one in here if not words or any(word in one.name for word in words)]
    print(f"{len(chosen)} troubles, {rounds} rounds; FAULTS_SEED={seed}", flush=True)
    verdicts, skipped, asked, described = [], [], [], True
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="darkroom-faults-") as folder, stage(Path(folder), in_cloud=in_cloud) as whole:
        for number, trouble in enumerate(chosen, 1):
            try:
                for round in range(rounds):
                    verdicts.append(fight(whole, trouble, f"{seed}/{round}", verdicts))
                    print(f"{number}/{len(chosen)}, {(time.monotonic() - began) / 60:.0f} min", end="  ", flush=True)
                    page.tell(verdicts[-1])
            except NotHere as reason:
                skipped.append((trouble, str(reason)))
                print(f"not here  {trouble.name}: {reason}", flush=True)
        if not words or "schema" in words:
            asked, described = schema.make_up(whole)
        if words:
            page.sum_up(verdicts, asked)
        else:
            page.write(verdicts, asked, skipped, stage=whole, seed=seed, rounds=rounds)
    return 0 if described and all(verdict.survived for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
