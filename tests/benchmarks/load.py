"""Load by wrk: 100 clients, each of which asks again as soon as it is answered."""

import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .ground import WORK

SCRIPT = Path(__file__).with_name("load.lua")
CLIENTS = 100
SECONDS = 8


@dataclass(frozen=True)
class Load:
    """What to ask: `requests` are (API key, path)."""

    url: str
    method: str
    requests: Sequence[tuple[str, str]]
    body: str = ""


@dataclass(frozen=True)
class Measured:
    """One round, or the medians of several. `errors`: answers other than 2xx and broken connections, added up."""

    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_ms: float = 0.0  # of the serving workers, per request


def fire(load: Load, *, seconds: int = SECONDS, clients: int = CLIENTS) -> tuple[int, Measured]:
    """One round; returns how many requests were answered, too."""
    WORK.mkdir(parents=True, exist_ok=True)
    asked = WORK / "requests.txt"
    asked.write_text("".join(f"{key}\t{path}\n" for key, path in load.requests))
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT), load.url]
    out = subprocess.run([*command, "--", str(asked), load.method, load.body], check=True, capture_output=True, text=True).stdout
    line = next(line for line in out.splitlines() if line.startswith("RESULT "))
    requests, us, p50, p99, refused, broken = map(int, line.split()[1:])
    return requests, Measured(requests / us * 1e6, p50 / 1000, p99 / 1000, refused + broken)


def medians(rounds: Iterable[Measured]) -> Measured:
    rounds = list(rounds)

    def median(name: str) -> float:
        return statistics.median(getattr(each, name) for each in rounds)

    errors = sum(each.errors for each in rounds)
    return Measured(median("per_second"), median("p50_ms"), median("p99_ms"), errors, median("cpu_ms"))
