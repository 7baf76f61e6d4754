"""Which route takes a job: decided on paper, from candidates, without clock or dice of its own."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that could serve the task; `free` is how many more jobs it can take now (None: no cap, 0: full).

    `cost`: what a task costs there, in a unit that all share; None: not known. `is_healthy`: its provider passes its checks.
    """

    route_id: int
    provider_id: int
    upstream_model: str
    priority: int
    weight: int
    free: int | None
    cost: float | None = None
    is_healthy: bool = True


def choose(candidates: Sequence[Candidate], *, avoid: int | None, dice: float) -> Candidate | None:
    """The route for one job, or None where all are full.

    The lowest priority number that has room wins; of its routes the cheapest; among those each gets its weight's share of `dice`
    (0 ≤ dice < 1). Provider `avoid`, which just did not take this task, is chosen only where no other has room, of whatever priority; one
    that fails its checks only where no healthy one has.
    """
    open_ones = [candidate for candidate in candidates if candidate.free is None or candidate.free > 0]
    others = [candidate for candidate in open_ones if candidate.provider_id != avoid]
    healthy = [candidate for candidate in others if candidate.is_healthy]
    ranked = healthy or others or open_ones
    if not ranked:
        return None
    first = min(candidate.priority for candidate in ranked)
    return _drawn(_cheapest([candidate for candidate in ranked if candidate.priority == first]), dice)


def _cheapest(candidates: list[Candidate]) -> list[Candidate]:
    """Those of the lowest cost that is known; all, where none is. Weight 0 gets nothing for being cheap."""
    heavy = [candidate for candidate in candidates if candidate.weight > 0] or candidates
    known = [candidate.cost for candidate in heavy if candidate.cost is not None]
    return [candidate for candidate in heavy if candidate.cost == min(known)] if known else heavy


def _drawn(candidates: list[Candidate], dice: float) -> Candidate:
    """One of them by weight. Weight 0 is drawn only among others of weight 0: no traffic while there is a choice."""
    left = dice * sum(candidate.weight for candidate in candidates)
    heavy = [candidate for candidate in candidates if candidate.weight > 0]
    for candidate in heavy:
        left -= candidate.weight
        if left < 0:
            return candidate
    # Rounding can leave a crumb at the end of the last share.
    return heavy[-1] if heavy else candidates[int(dice * len(candidates))]
