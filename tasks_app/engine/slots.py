"""Caps that queue: rows are taken into a provider's free slots, counted and taken under the provider's row lock."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from time import monotonic
from uuid import UUID

from django.db import transaction
from django.db.models import Count

from providers import breakers, capability, directory, routing
from providers.directory import RouteSnapshot
from providers.models import Provider

from ..models import Task
from ..watch import news
from . import aside, attempts, claims, jobs, lanes, lifecycle
from .claims import Claimed, new_token, won
from .decisions import after_submit, jitter
from .transactions import whole

Used = Counter  # (provider id, route id) → open jobs
Left = dict[int, int | None]  # route id → how many more jobs it can take; None: no bound
Chosen = list[tuple[int, list[UUID]]]  # route id → task ids
BEHIND = (200,) * 10  # rows that are read, time after time, behind those that stood aside
begun: set[int] = set()  # the tokens of one look's rows, until their calls can be made


def take(room: int, *, now: datetime) -> list[Claimed]:
    """Claim up to `room` due rows for which a provider has a free slot, with their intent written.

    Lanes share the room evenly, and what some leave of it goes to those that have more.
    """
    taken: list[Claimed] = []
    due = due_lanes(now)
    while due and len(taken) < room:
        claimed, due = _take_in_turn(due, room - len(taken), now)
        taken += claimed
    return taken


def undo(*, now: datetime) -> int:
    """Queue again what the last look began and could call for no more, because the database failed in its midst; returns how many.

    Surely nothing was sent for these, which nobody else can know: after the lease they would count as an unknown outcome.
    """
    left = claims.holding("submitting", begun) if begun else []
    steps = [lifecycle.Step(one, after_submit(one.snapshot, None, jobs.facts(one), now)) for one in left]
    moved = lifecycle.advance(steps, now=now)
    begun.clear()
    return len(moved)


def due_lanes(now: datetime) -> list[str]:
    """Lanes with a row that is due: a model's normal priority before its low one, and of each the lane whose first row waits longest."""
    due = [(lanes.working(lane), due_at, lane) for lane, due_at in claims.oldest("queued") if due_at <= now]
    return [lane for _, _, lane in sorted(due)]


def used(provider_ids: Sequence[int]) -> Used:
    """Open jobs by provider and route."""
    rows = Task.objects.filter(provider__in=provider_ids, status__in=lifecycle.OPEN).order_by()
    counted = rows.values("provider_id", "route_id").annotate(open=Count("*")).values_list("provider_id", "route_id", "open")
    return Counter({(provider_id, route_id): count for provider_id, route_id, count in counted})


def free(route: RouteSnapshot, used: Used) -> int | None:
    """Free slots of a route: the least of its own cap's and its provider's; None where neither has a cap."""
    left = []
    if route.max_jobs is not None:
        left.append(route.max_jobs - used[route.provider_id, route.id])
    if (cap := directory.provider(route.provider_id).max_jobs) is not None:
        left.append(cap - sum(count for (provider_id, _), count in used.items() if provider_id == route.provider_id))
    return max(min(left), 0) if left else None


def room(route: RouteSnapshot, used: Used, now: datetime) -> int | None:
    """How many more jobs the route can take now: free slots, and what its provider's breaker lets through; None: no bound."""
    bounds = [bound for bound in (free(route, used), breakers.room(route.provider_id, now)) if bound is not None]
    return min(bounds, default=None)


def is_capped(route: RouteSnapshot) -> bool:
    return route.max_jobs is not None or directory.provider(route.provider_id).max_jobs is not None


def _take_in_turn(due: Sequence[str], room: int, now: datetime) -> tuple[list[Claimed], list[str]]:
    """Claim each lane's share, and what those before it left; returns the lanes that may have more, too."""
    taken: list[Claimed] = []
    more = []
    for position, lane in enumerate(due):
        share = -(-(room - len(taken)) // (len(due) - position))
        claimed = _take_from(lane, share, now) if share else []
        taken += claimed
        if len(claimed) == share:
            more.append(lane)
    return taken, more


def _take_from(lane: str, room: int, now: datetime) -> list[Claimed]:
    """Claim up to `room` of a lane's rows. Where some stand aside, what was behind them is looked at as well."""
    taken: list[Claimed] = []
    for limit in (room, *BEHIND):
        claimed, stood_aside = _look(lane, room - len(taken), limit, now)
        taken += claimed
        if not stood_aside or len(taken) >= room:
            break
    return taken


def _look(lane: str, room: int, limit: int, now: datetime) -> tuple[list[Claimed], int]:
    """Claim up to `room` of the first `limit` rows, and let those stand aside that hold up others; returns how many do, too."""
    ways = aside.ways(lane)
    routes = {route.id: route for route in ways.routes}
    left = _room(ways.routes, now)
    if not _has_room(left):
        return [], 0
    if ways.alike:  # else a row further back may want the route that has room
        limit = _most(left, limit)
    # A row past its deadline is left to expiry: what would be bought for it would be bought for nobody.
    due = Task.objects.filter(status="queued", lane=lane, due_at__lte=now, deadline_at__gt=now).order_by("due_at")
    told = () if ways.alike else ("kind", "input")  # where there is no choice, nothing is compared
    chosen, waiting = _assign(due.values_list("id", "avoid", "attempts", *told)[:limit], routes, left, room)
    stood_aside = aside.stand(lane, ways.routes, waiting) if _has_room(left) else 0
    return [claimed for route_id, ids in chosen for claimed in whole(partial(_take_into, routes[route_id], ids, now))], stood_aside


def _has_room(left: Left) -> bool:
    return any(count is None or count > 0 for count in left.values())


def _most(left: Left, room: int) -> int:
    """How many rows can go at most, where no more than `room` may."""
    return min(sum(room if count is None else count for count in left.values()), room)


def _room(routes: Sequence[RouteSnapshot], now: datetime) -> Left:
    # Nobody counts the slots of a provider to which nothing goes.
    let = {route.id: breakers.room(route.provider_id, now) != 0 for route in routes}
    capped = [route for route in routes if let[route.id] and is_capped(route)]
    in_use = used([route.provider_id for route in capped]) if capped else Counter()
    return {route.id: room(route, in_use, now) if let[route.id] else 0 for route in routes}


def _assign(rows: Iterable[tuple], routes: dict[int, RouteSnapshot], left: Left, room: int) -> tuple[Chosen, aside.Waiting]:
    """A route for each of up to `room` rows while slots last, and the rows whose routes are full."""
    pairs: list[tuple[int, UUID]] = []
    waiting: aside.Waiting = []
    for id, avoid, tries, *told in rows:
        if len(pairs) == room:
            break
        able = [route for route in routes.values() if not told or _takes(route, *told)] or list(routes.values())
        candidates = [_candidate(route, left[route.id]) for route in able]
        choice = routing.choose(candidates, avoid=avoid, dice=(jitter(id, tries) - 0.8) / 0.4 % 1)
        if choice is None:  # another may want less, and so have a route that is not full
            waiting.append((id, able))
            continue
        pairs.append((choice.route_id, id))
        if left[choice.route_id] is not None:
            left[choice.route_id] -= 1
    pairs.sort()
    return [(route_id, [id for _, id in group]) for route_id, group in groupby(pairs, key=lambda pair: pair[0])], waiting


def _takes(route: RouteSnapshot, kind: str, input: dict) -> bool:
    return capability.takes(directory.provider(route.provider_id).adapter, route.upstream_model, kind, input)


def _candidate(route: RouteSnapshot, free: int | None) -> routing.Candidate:
    return routing.Candidate(
        route_id=route.id,
        provider_id=route.provider_id,
        upstream_model=route.upstream_model,
        priority=route.priority,
        weight=route.weight,
        free=free,
        cost=route.cost,
        is_healthy=directory.provider(route.provider_id).is_healthy,
    )


def _take_into(route: RouteSnapshot, ids: list[UUID], now: datetime) -> list[Claimed]:
    """Take rows into a route's slots: the count and the take are one, because both happen under the provider's row lock."""
    taken, token = monotonic(), new_token()
    begun.add(token)
    if is_capped(route):
        Provider.objects.select_for_update().only("id").get(id=route.provider_id)
        ids = ids[: free(route, used([route.provider_id]))]
    if ids and breakers.is_open(route.provider_id):
        ids = ids[:1] if breakers.probe(route.provider_id, now=now) else []
    if not ids:
        return []
    lifecycle.begin(ids, token, route, directory.provider(route.provider_id).credential_version, now=now)
    claimed = won(ids, token, taken)
    attempts.intend(claimed, route, now=now)
    lifecycle.record([one.id for one in claimed], "submitting", now=now)
    transaction.on_commit(partial(news.tell, {one.row["account_id"] for one in claimed}, {}))
    return claimed
