"""Which route takes a job: decided on paper, from candidates, without clock or dice of its own."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candidate:
    """A route that could serve the task; `free` is how many more jobs it can take now (None: no cap, 0: full)."""

    route_id: int
    provider_id: int
    upstream_model: str
    priority: int
    weight: int
    free: int | None


def choose(candidates: Sequence[Candidate], *, avoid: int | None, dice: float) -> Candidate | None:
    """The route for one job, or None where all are full.

    The lowest priority number that has room wins; among its routes each gets its weight's share of `dice` (0 ≤ dice < 1).
    Provider `avoid`, which just did not take this task, is chosen only where no other has room, of whatever priority.
    """
    open_ones = [candidate for candidate in candidates if candidate.free is None or candidate.free > 0]
    others = [candidate for candidate in open_ones if candidate.provider_id != avoid]
    ranked = others or open_ones
    if not ranked:
        return None
    first = min(candidate.priority for candidate in ranked)
    return _drawn([candidate for candidate in ranked if candidate.priority == first], dice)


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
