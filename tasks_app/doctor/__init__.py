"""The doctor: every part that Darkroom stands on, asked at once, each with a verdict, a figure and what to do.

verdict       how a part is, and what to do
rounds        checks run side by side, each within a time limit
surroundings  environment, web, Redis, storage, disk, functions     database, road: what the database is, and what stands in it
"""

from . import broker, database, files, road, surroundings
from .rounds import Check, run
from .verdict import Verdict, fail

APART: dict[str, Check] = {
    "environment": surroundings.environment,
    "settings": surroundings.settings_checked,
    "database": database.reach,
    "web": surroundings.web,
    "stream": surroundings.stream,
    "redis": broker.redis,
    "wake-ups": broker.wake_ups,
    "storage": files.storage,
    "disk": files.disk,
    "functions": surroundings.functions,
}
IN_THE_DATABASE: dict[str, Check] = {
    "schema": database.schema,
    "durability": database.durability,
    "connections": database.connections,
    "clock": database.clock,
    "road": road.road,
}
UNSEEN = "Mend the database first: beat, workers, lags, providers and books are known by it."


def examine() -> list[Verdict]:
    """Every part's verdicts."""
    found = run(APART)
    if any(one.check == "database" and one.level == "fail" for one in found):
        return [*found, fail("road", "cannot be seen", UNSEEN)]
    return found + run(IN_THE_DATABASE)
