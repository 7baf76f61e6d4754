"""Endpoints and their secrets: made, changed, rotated, disabled, deleted."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from providers import sealing
from providers.sealing import Unreadable

from .. import ids
from ..models import WebhookEndpoint, WebhookSecret
from . import keyring, lanes, outbox
from .events import ENDINGS

log = logging.getLogger(__name__)

MOST = 10  # endpoints of one account: each task's end writes a row for each of them


class Made(NamedTuple):
    """A new endpoint with its secret, which nobody is shown again."""

    endpoint: WebhookEndpoint
    secret: str


class TooMany(Exception):
    """The account has as many endpoints as it may have."""


def create(account_id: int, *, url: str, events: Sequence[str] = ENDINGS, description: str = "", now: datetime) -> Made:
    """A new endpoint; raises TooMany."""
    if WebhookEndpoint.objects.filter(account=account_id).count() >= MOST:
        raise TooMany
    ring = keyring.fresh()
    endpoint = WebhookEndpoint(
        id=ids.new(),
        account_id=account_id,
        url=url,
        events=list(events),
        description=description,
        sealed=keyring.sealed(ring),
        created_at=now,
    )
    endpoint.save(force_insert=True)
    return Made(endpoint, ring.secret)


def change(endpoint: WebhookEndpoint, *, now: datetime, enabled: bool | None = None, **columns: Any) -> None:
    """Change the columns given. Enabled, it starts with a clean slate; disabled, what waits for it is given up."""
    if enabled:
        columns |= {"is_enabled": True, "disabled_reason": "", "failing_since": None}
    WebhookEndpoint.objects.filter(id=endpoint.id).update(**columns)
    if enabled is False:
        disable(endpoint.account_id, endpoint.id, reason="The account disabled it.", now=now)
    endpoint.refresh_from_db()


def rotate(endpoint: WebhookEndpoint, *, now: datetime) -> keyring.Ring:
    """A new secret, shown this once; the old one signs along for a day."""
    return _rotated(WebhookEndpoint.objects.filter(id=endpoint.id), named(endpoint.id), now)


def disable(account_id: int, endpoint_id: UUID, *, reason: str, now: datetime) -> bool:
    """Tell this endpoint nothing more; False where it was disabled already, whose reason then stands."""
    with transaction.atomic():
        enabled = WebhookEndpoint.objects.filter(id=endpoint_id, is_enabled=True)
        if not enabled.update(is_enabled=False, disabled_reason=reason[:400]):
            return False
        given_up = outbox.abandon(lanes.of_endpoint(account_id, endpoint_id), reason="endpoint_disabled", now=now)
    log.warning("%s disabled, %d deliveries given up: %s", named(endpoint_id), given_up, reason)
    return True


def delete(endpoint: WebhookEndpoint, *, now: datetime) -> None:
    """The endpoint and its secret go at once; its deliveries stay as a record, those that wait are given up."""
    with transaction.atomic():
        WebhookEndpoint.objects.filter(id=endpoint.id).delete()
        outbox.abandon(lanes.of_endpoint(endpoint.account_id, endpoint.id), reason="endpoint_deleted", now=now)


def account_sealed(account_id: int, *, now: datetime) -> str:
    """The account's own keyring, sealed; made when first asked for."""
    made = {"sealed": lambda: keyring.sealed(keyring.fresh()), "created_at": now}
    return WebhookSecret.objects.get_or_create(account_id=account_id, defaults=made)[0].sealed


def account_ring(account_id: int, *, now: datetime) -> keyring.Ring:
    """What signs for the `webhook_url` of the account's tasks; raises sealing.Unreadable."""
    return keyring.opened(account_sealed(account_id, now=now), of=account_named(account_id), now=now)


def rotate_account_secret(account_id: int, *, now: datetime) -> keyring.Ring:
    """A new secret; the old one signs along for a day."""
    account_sealed(account_id, now=now)
    return _rotated(WebhookSecret.objects.filter(account=account_id), account_named(account_id), now)


def reseal() -> int:
    """Seal every secret anew with the newest key; returns how many. One that is rotated meanwhile is sealed anew by that."""
    count = 0
    for table, name in ((WebhookEndpoint, named), (WebhookSecret, account_named)):
        for key, sealed in table.objects.values_list("pk", "sealed").iterator():
            table.objects.filter(pk=key, sealed=sealed).update(sealed=sealing.reseal(sealed, of=name(key)))
            count += 1
    return count


def named(endpoint_id: UUID) -> str:
    """The endpoint in logs and errors: its URL may hold a secret."""
    return f"webhook endpoint {ids.shown('whe', endpoint_id)}"


def account_named(account_id: int) -> str:
    return f"the webhook secret of account {account_id}"


def _rotated(kept: QuerySet, of: str, now: datetime) -> keyring.Ring:
    with transaction.atomic():
        row = kept.select_for_update().get()
        ring = keyring.rotated(_opened(row.sealed, of, now), now=now)
        row.sealed = keyring.sealed(ring)
        row.save(update_fields=["sealed"])
    return ring


def _opened(sealed: str, of: str, now: datetime) -> keyring.Ring | None:
    """None where no key opens it any more: a rotation is then the way out."""
    try:
        return keyring.opened(sealed, of=of, now=now)
    except Unreadable as fault:
        log.error("replaced without an old secret: %s", fault)
        return None
