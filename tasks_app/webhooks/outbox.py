"""Queues deliveries: each as a row, written in the transaction of what it tells, so that neither is there without the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from .. import ids, render, rows
from ..models import Delivery, Task, WebhookEndpoint
from . import claims, events, lanes, payload

INSERT_AT_ONCE = 100  # rows of 20 KB at most: far below what MySQL takes in one packet


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened to a task; `webhook_url` is the one that came with it, if one did."""

    task_id: UUID
    account_id: int
    type: str
    webhook_url: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where one event goes: an endpoint, or a task's own URL."""

    lane: str
    url: str
    endpoint_id: UUID | None = None


class StillOpen(Exception):
    """The delivery is on its way: there is nothing to replay yet."""


class EndpointGone(Exception):
    """The delivery's endpoint was deleted: there is nobody to tell."""


def queue(happened: Sequence[Happened], *, now: datetime) -> int:
    """Queue what these events are to be told to whom; returns how many deliveries. One indexed read where nobody listens."""
    endpoints = _listening({one.account_id for one in happened}) if happened else []
    wished = _wished([one.task_id for one in happened if one.webhook_url])
    told = [(one, place) for one in happened for place in _places(one, endpoints, wished)]
    if not told:
        return 0
    data = _data({one.task_id for one, _ in told}, now)
    Delivery.objects.bulk_create([_delivery(one, place, data[one.task_id], now) for one, place in told], batch_size=INSERT_AT_ONCE)
    return len(told)


def test(endpoint: WebhookEndpoint, *, now: datetime) -> Delivery:
    """Queue an event that says only that it is a test; also for an endpoint that is disabled."""
    place = Place(lanes.of_endpoint(endpoint.account_id, endpoint.id), endpoint.url, endpoint.id)
    data = render.dumps({"object": "webhook_endpoint", "id": ids.shown("whe", endpoint.id)})
    delivery = _row(endpoint.account_id, events.TEST, place, (data, []), now)
    delivery.save(force_insert=True)
    return delivery


def replay(delivery: Delivery, *, now: datetime) -> None:
    """Send a delivery that is over once more, under the same id, with as many tries as the first time. Raises StillOpen, EndpointGone."""
    if delivery.endpoint_id and not WebhookEndpoint.objects.filter(id=delivery.endpoint_id).exists():
        raise EndpointGone
    over = Delivery.objects.filter(id=delivery.id).exclude(status__in=claims.OPEN)
    if not over.update(status="pending", due_at=now, tries=0, finished_at=None):
        raise StillOpen
    delivery.refresh_from_db()


def abandon(lane: str, *, reason: str, now: datetime, task_id: UUID | None = None) -> int:
    """Give up what waits in this lane, of one task or of all; what is on its way lands by itself."""
    waiting = Delivery.objects.filter(status="pending", lane=lane)
    if task_id:
        waiting = waiting.filter(task_id=task_id)
    return waiting.update(status="failed", reason=reason, message="", due_at=None, finished_at=now)


def _listening(account_ids: set[int]) -> list[tuple[int, Place, list[str]]]:
    """The endpoints that are enabled, as (account, place, events)."""
    enabled = WebhookEndpoint.objects.filter(account__in=account_ids, is_enabled=True)
    return [
        (account_id, Place(lanes.of_endpoint(account_id, id), url, id), wanted)
        for account_id, id, url, wanted in enabled.values_list("account_id", "id", "url", "events")
    ]


def _wished(task_ids: Sequence[UUID]) -> dict[UUID, Sequence[str]]:
    """The events that each of these tasks named for its own URL."""
    if not task_ids:
        return {}
    return {id: wanted or events.ENDINGS for id, wanted in Task.objects.filter(id__in=task_ids).values_list("id", "webhook_events")}


def _places(one: Happened, endpoints: Iterable[tuple[int, Place, list[str]]], wished: dict[UUID, Sequence[str]]) -> Iterator[Place]:
    for account_id, place, wanted in endpoints:
        if account_id == one.account_id and one.type in wanted:
            yield place
    if one.webhook_url and one.type in wished[one.task_id]:
        yield Place(lanes.of_url(one.account_id, one.webhook_url), one.webhook_url)


def _data(task_ids: set[UUID], now: datetime) -> dict[UUID, tuple[bytes, list[str]]]:
    """Each task as the API shows it at this moment, short enough."""
    return {UUID(bytes=row.id): payload.fitted(render.task(row, now=now)) for row in rows.by_ids(task_ids)}


def _delivery(one: Happened, place: Place, data: tuple[bytes, list[str]], now: datetime) -> Delivery:
    return _row(one.account_id, one.type, place, data, now, task_id=one.task_id)


def _row(account_id: int, type: str, place: Place, data: tuple[bytes, list[str]], now: datetime, **columns: Any) -> Delivery:
    id, sequence = ids.new(), events.sequence_of(type)
    return Delivery(
        id=id,
        account_id=account_id,
        endpoint_id=place.endpoint_id,
        type=type,
        sequence=sequence,
        lane=place.lane,
        url=place.url,
        payload=payload.written(id, type, sequence, *data, now=now),
        due_at=now,
        created_at=now,
        **columns,
    )
