"""One trouble over the stage, from the first post to the verdict."""

import random
import time
from dataclasses import dataclass, field
from itertools import cycle, islice

from .judge import Findings, judge
from .load import Load, Post
from .stage import Stage
from .trouble import Scene, Trouble
from .watch import Watch


@dataclass
class Verdict:
    """What one fire came to. `moved_s`, `answered_s`: after each death of a worker, and of web or MariaDB, until work went on."""

    trouble: Trouble
    found: Findings
    lasted_s: float
    p99_s: float
    posted_again: int
    moved_s: list[float] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)

    @property
    def survived(self) -> bool:
        return not self.found.wrong


def fight(stage: Stage, trouble: Trouble, seed: str) -> Verdict:
    """Clients post, the trouble comes and ends, all is mended; then the books are read."""
    name = f"f{random.Random(f'{seed} {time.time_ns()}').randrange(36**6):x}"
    load = Load(stage.web_port, stage.keys, _posts(trouble, name), trouble.over_s, seed)
    watch = Watch(stage)
    scene = Scene(stage, random.Random(f"{seed} {trouble.name}"), load, watch)
    watch.start()
    load.start()
    began = time.monotonic()
    try:
        trouble.happens(scene)
    finally:
        stage.mend()
        load.join()
    lasted_s = time.monotonic() - began
    found = judge(stage, load, name, may_fail=trouble.may_fail)
    watch.end()
    answered = [load.answered_after(at) for who in ("web", "mariadb") for at in scene.deaths[who]]
    return Verdict(
        trouble,
        found,
        lasted_s,
        load.p99_s(),
        load.posted_again,
        moved_s=sorted(watch.moved_s),
        answered_s=sorted(at for at in answered if at is not None),
    )


def _posts(trouble: Trouble, name: str) -> list[Post]:
    """One task in five is bolt's, which may have only few at work at once."""
    models = islice(cycle(trouble.models), trouble.tasks)
    return [Post(f"{name}-{number}", model, "bolt" if number % 5 == 4 else "acme") for number, model in enumerate(models)]
