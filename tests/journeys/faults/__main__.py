"""Every trouble, one after another (those whose name has one of the words given; all, unless told); see this package's docstring."""

import os
import random
import sys
import tempfile
from pathlib import Path

import django


def main(words: list[str]) -> int:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "WARNING"}
    django.setup()
    from . import page
    from .fire import fight
    from .stage import stage
    from .trouble import NotHere
    from .troubles import TROUBLES

    seed = os.environ.get("FAULTS_SEED") or f"{random.SystemRandom().randrange(10**6)}"
    rounds = int(os.environ.get("FAULTS_ROUNDS") or 1)
    chosen = [one for one in TROUBLES if not words or any(word in one.name for word in words)]
    print(f"{len(chosen)} troubles, {rounds} rounds; FAULTS_SEED={seed}", flush=True)
    verdicts, skipped = [], []
    with tempfile.TemporaryDirectory(prefix="darkroom-faults-") as folder, stage(Path(folder)) as whole:
        for trouble in chosen:
            try:
                for round in range(rounds):
                    verdicts.append(fight(whole, trouble, f"{seed}/{round}", verdicts))
                    page.tell(verdicts[-1])
            except NotHere as reason:
                skipped.append((trouble, str(reason)))
                print(f"not here  {trouble.name}: {reason}", flush=True)
        if words:
            page.sum_up(verdicts)
        else:
            page.write(verdicts, skipped, stage=whole, seed=seed, rounds=rounds)
    return 0 if all(verdict.survived for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
