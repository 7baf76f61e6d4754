"""Standing aside: tasks that only full routes can take make way for those behind them, which may go elsewhere at once.

A look reads the oldest rows of a lane. Were there but one route for all of these, because of their inputs, and that one full, it would
find the same ones again and again, and never what is behind them. So they move to a lane of those that can take the same routes. It is
read only while one of these has room, and before its model's own lane where its first row has waited longer.

Its name tells the routes, a bit for each of the model's in the order of their ids, and what was known of all of them when they were
compared. Where that is not so any more (a route came or went, a release knows more of an upstream), its rows are compared
anew, as those of the model's own lane are. So nobody need remember who stands aside, or bring them back.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from uuid import UUID

from providers import capability, directory
from providers.directory import RouteSnapshot

from ..models import Task
from . import lanes
from .transactions import whole

Ids = list[UUID]
Waiting = list[tuple[UUID, list[RouteSnapshot]]]  # tasks, each with the routes that it can take


@dataclass(frozen=True, slots=True)
class Ways:
    """The routes that a lane's rows may take, by their ids; `alike`: each row may take every one, else its input decides."""

    routes: Sequence[RouteSnapshot]
    alike: bool


def ways(lane: str) -> Ways:
    """Where the rows of this lane may go, as far as its name tells."""
    routes = sorted(directory.routes(lanes.model(lane)), key=lambda route: route.id)
    places, _, known = lane.rpartition(":")[2].partition("-")
    if lane.startswith(lanes.ASIDE) and known == _known(routes):
        return Ways([route for place, route in enumerate(routes) if int(places, 16) >> place & 1], alike=True)
    return Ways(routes, alike=len(routes) < 2)


def stand(lane: str, routes: Sequence[RouteSnapshot], waiting: Waiting) -> int:
    """Let these of a lane's rows stand aside, each of which can take only some of the lane's routes; returns how many do."""
    by_lane: dict[str, Ids] = defaultdict(list)
    for id, able in waiting:
        by_lane[_lane(lane, routes, able)].append(id)
    return sum(whole(partial(_move, ids, lane, aside)) for aside, ids in sorted(by_lane.items()))


def _lane(lane: str, routes: Sequence[RouteSnapshot], able: Sequence[RouteSnapshot]) -> str:
    places = sum(1 << place for place, route in enumerate(routes) if route in able)
    return lanes.aside_lane(lanes.working(lane), f"{places:x}-{_known(routes)}")


def _known(routes: Sequence[RouteSnapshot]) -> str:
    """Changes with all that decides which of these routes can take what."""
    adapters = [directory.provider(route.provider_id).adapter for route in routes]
    known = [
        (route.id, route.upstream_model, adapter, capability.edition(adapter)) for route, adapter in zip(routes, adapters, strict=True)
    ]
    return blake2b(repr(known).encode(), digest_size=4).hexdigest()


def _move(ids: Ids, lane: str, aside: str) -> int:
    # `due_at` stays: it is the order in which they came.
    return Task.objects.filter(id__in=sorted(ids), status="queued", lane=lane).update(lane=aside)
