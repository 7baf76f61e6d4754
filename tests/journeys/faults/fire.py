"""One trouble over the stage, from the first post to the verdict."""

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import cycle, islice

from .judge import Findings, judge, read
from .load import Load, Post
from .stage import FUNCTION, Stage
from .trouble import Scene, Trouble
from .watch import Watch

USUAL = 1.5  # times as long is still usual, on a machine that does other things as well


@dataclass
class Verdict:
    """What one fire came to. `refused_p99_s`: how long a 503 took.

    `moved_s`, `answered_s`: after each death of a worker, and of web or MariaDB, until work went on.
    """

    trouble: Trouble
    found: Findings
    lasted_s: float
    p99_s: float
    refused_p99_s: float
    posted_again: int
    moved_s: list[float] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)

    @property
    def survived(self) -> bool:
        return not self.found.wrong


def fight(stage: Stage, trouble: Trouble, seed: str, before: Iterable[Verdict] = ()) -> Verdict:
    """Clients post, the trouble comes and ends, all is mended; then the books are read. `before`: the fires that went before."""
    name = f"f{random.Random(f'{seed} {time.time_ns()}').randrange(36**6):x}"
    load = Load(stage.web_address, stage.keys, _posts(stage, trouble, name), trouble.over_s, seed)
    watch = Watch(stage)
    scene = Scene(stage, random.Random(f"{seed} {trouble.name}"), load, watch)
    watch.start()
    began = time.monotonic()
    try:
        if trouble.first:
            trouble.first(scene)
        load.start()
        trouble.happens(scene)
    except TimeoutError as late:
        load.wrong.append(str(late))
    finally:
        stage.mend()
        load.join()
    lasted_s = time.monotonic() - began
    how = {"may_fail": trouble.may_fail, "loses_answers": trouble.loses_answers, "forgets": trouble.forgets}
    found = judge(stage, load, name, **how)
    watch.end()
    found.notes += scene.notes
    for look in scene.afterwards:
        look(found, {row.key: row for row in read(stage, name)})
    found.wrong += [f"a lease lived on for {s:.1f} s after its worker" for s in watch.moved_s if s > trouble.moves_within_s]
    _compare(found, trouble, before)
    answered = [load.answered_after(at) for who in ("web", "mariadb") for at in scene.deaths[who]]
    return Verdict(
        trouble,
        found,
        lasted_s,
        load.p99_s(),
        load.refused_p99_s(),
        load.posted_again,
        moved_s=sorted(watch.moved_s),
        answered_s=sorted(at for at in answered if at is not None),
    )


def _compare(found: Findings, trouble: Trouble, before: Iterable[Verdict]) -> None:
    """Held against the last calm of that name: a machine may be slower by now."""
    calm = next((one.found for one in reversed(list(before)) if one.trouble.name == trouble.as_in), None)
    if not (calm and calm.plasma_p95_s and found.plasma_p95_s):
        return
    found.ratio = found.plasma_p95_s / calm.plasma_p95_s
    found.added_s = found.plasma_p95_s - calm.plasma_p95_s
    is_usual = found.ratio <= USUAL if trouble.adds_s is None else found.added_s < trouble.adds_s
    if not is_usual:
        found.wrong.append(f"plasma's tasks took {found.added_s:.1f} s more ({found.ratio:.2f} times as long) than when {trouble.as_in}")


def _posts(stage: Stage, trouble: Trouble, name: str) -> list[Post]:
    models = (*trouble.models, FUNCTION) if stage.sky and trouble.models is Trouble.models else trouble.models
    who = islice(zip(cycle(models), cycle(trouble.accounts), strict=False), trouble.tasks)
    return [Post(f"{name}-{number}", model, account, stage.inputs(model)) for number, (model, account) in enumerate(who)]
