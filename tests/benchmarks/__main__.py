"""How fast Darkroom is on this machine: python -m tests.benchmarks [NAME …], each of NAMES below.

Starts a private MariaDB with durable commits and a private Redis, runs the benchmarks named (all, unless told) one after
another, prints one table, and, when all ran, writes docs/performance.md.
"""

import argparse
import sys
from importlib import import_module

from . import darkroom, page
from .ground import ground

NAMES = ("accept", "read", "mixed", "road", "poll", "neighbours", "stream", "claims", "pages", "storage", "stitch", "compose")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--mixed-seconds", type=int, default=60, metavar="N", help="how long the mixed load lasts (60)")
    given = parser.parse_args()
    names = given.names or NAMES
    if unknown := set(names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    with ground(mixed_s=given.mixed_seconds) as servers:
        darkroom.prepare(servers)
        facts = page.facts(servers)
        results = []
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            results.append(import_module(f".{name}", __package__).main(servers))
            page.show(results[-1])
    if tuple(names) == NAMES:
        page.write(results, facts)


if __name__ == "__main__":
    main()
