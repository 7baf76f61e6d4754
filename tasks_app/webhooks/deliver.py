"""Deliveries go out: each POSTed once a try, its answer judged and kept.

take   due deliveries, with the URL and the secrets of this moment
call   one POST, over within 15 s; no transaction is open
land   what the server answered, on the delivery and on its endpoint
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from providers.errors import Invalid, NotSent, Unavailable
from providers.sealing import Unreadable

from .. import egress, ids, metrics
from ..models import Delivery, WebhookEndpoint
from . import claims, endpoints, events, keyring, outbox, sign, verdict
from .claims import Claimed
from .lanes import Lanes
from .verdict import Answered, Outcome, Reason, Unanswered

log = logging.getLogger(__name__)

TIMEOUTS = egress.Timeouts(connect=5, idle=15, total=15)
SOON_MS = 2000
ANSWER_BYTES = 2000  # of the answer's body are kept
REASONS: dict[type[Exception], Reason] = {Invalid: "not_allowed", NotSent: "unreachable", Unavailable: "no_answer"}
Standing = Mapping[UUID, tuple[bool, datetime | None]]  # endpoint → is it enabled, since when does it fail
FAULT = Unanswered("fault", "Something broke on our side.")


@dataclass(frozen=True, slots=True)
class Sending(Claimed):
    """A claimed delivery with what its call needs. `to` is None where there is nobody to send to any more."""

    to: str | None
    secrets: Sequence[str] = field(repr=False)
    sent_at: datetime


def take(room: int, lanes: Lanes, *, now: datetime) -> list[Sending]:
    claimed = claims.take(room, lanes, per_account=max(settings.NOTIFY_WINDOW // 4, claims.PER_LANE), now=now)
    found = WebhookEndpoint.objects.in_bulk({one.row["endpoint_id"] for one in claimed} - {None})
    accounts = {one.row["account_id"] for one in claimed if one.row["endpoint_id"] is None}
    rings = {account_id: endpoints.account_sealed(account_id, now=now) for account_id in accounts}
    return [_to_url(one, rings, now) if one.row["endpoint_id"] is None else _to_endpoint(one, found, now) for one in claimed]


async def call(sending: Sending) -> Outcome:
    if sending.to is None:
        return Unanswered("endpoint_deleted", "Its endpoint was deleted.")
    if not sending.secrets:
        return FAULT
    body = sending.row["payload"].encode()
    headers = sign.headers(ids.shown("whd", sending.id), int(sending.sent_at.timestamp()), body, sending.secrets)
    started = monotonic()
    try:
        answered = await egress.post(
            sending.to, body, {"Content-Type": "application/json", **headers}, keep=ANSWER_BYTES, timeouts=TIMEOUTS
        )
    except (Invalid, NotSent, Unavailable) as error:
        return Unanswered(REASONS[type(error)], f"{error.message[:1].upper()}{error.message[1:]}.", _ms_since(started))
    return Answered(
        answered.status,
        body=answered.body.decode(errors="replace"),
        location=_plain(answered.headers.get("Location", "")),
        retry_after=_seconds(answered.headers.get("Retry-After", ""), sending.sent_at),
        took_ms=_ms_since(started),
    )


def land(arrived: Sequence[tuple[Sending, Any]], *, now: datetime) -> None:
    """Write down what each call came to; inside the caller's transaction."""
    standing = _standing([sending for sending, _ in arrived])
    landed = [(sending, said) for sending, outcome in arrived if (said := _landed(sending, outcome, standing, now))]
    # After all of them: what one of these disables or gives up may be the next try of another.
    for sending, said in landed:
        transaction.on_commit(metrics.TRIES.labels(said.status if said.status == "delivered" else said.reason).inc)
        _let_later_ones_go(sending, said, now)
        _remember(sending, said, standing, now)


def went_well(outcome: Any) -> bool:
    """Whether whoever answers like this can be sent more at once."""
    return isinstance(outcome, Answered) and 200 <= outcome.status < 300 and outcome.took_ms < SOON_MS


def _to_url(claimed: Claimed, rings: Mapping[int, str], now: datetime) -> Sending:
    account_id = claimed.row["account_id"]
    secrets = _secrets(rings[account_id], endpoints.account_named(account_id), now)
    return Sending(claimed.row, claimed.taken, claimed.row["url"], secrets, now)


def _to_endpoint(claimed: Claimed, found: Mapping[UUID, WebhookEndpoint], now: datetime) -> Sending:
    endpoint = found.get(claimed.row["endpoint_id"])
    if endpoint is None:
        return Sending(claimed.row, claimed.taken, None, (), now)
    secrets = _secrets(endpoint.sealed, endpoints.named(endpoint.id), now)
    return Sending(claimed.row, claimed.taken, endpoint.url, secrets, now)


def _secrets(sealed: str, of: str, now: datetime) -> tuple[str, ...]:
    """None where they cannot be opened: that fails this delivery, and must not fail those that were claimed with it."""
    try:
        return keyring.opened(sealed, of=of, now=now).signing
    except Unreadable as fault:
        log.error("a delivery cannot be signed: %s", fault)
        return ()


def _standing(sent: Sequence[Sending]) -> Standing:
    """The endpoints as they are now: while the calls were open, one may have been disabled or deleted."""
    rows = WebhookEndpoint.objects.filter(id__in={one.row["endpoint_id"] for one in sent} - {None})
    return {id: (is_enabled, failing_since) for id, is_enabled, failing_since in rows.values_list("id", "is_enabled", "failing_since")}


def _landed(sending: Sending, outcome: Any, standing: Standing, now: datetime) -> verdict.Verdict | None:
    """The verdict, written on the delivery; None where the claim was lost."""
    outcome = outcome if isinstance(outcome, Answered | Unanswered) else FAULT  # else the pump caught an error of ours
    endpoint_id = sending.row["endpoint_id"]
    is_enabled, failing_since = standing.get(endpoint_id, (endpoint_id is None, None))
    said = verdict.after_call(verdict.Snapshot(sending.id, sending.row["tries"], is_enabled, failing_since), outcome, now)
    return said if claims.held([sending]).update(**_columns(sending, outcome, said, now)) else None


def _columns(sending: Sending, outcome: Outcome, said: verdict.Verdict, now: datetime) -> dict[str, Any]:
    answered = outcome if isinstance(outcome, Answered) else None
    return {
        "status": said.status,
        "due_at": said.due_at,
        "lease_token": 0,
        "url": sending.to or sending.row["url"],
        "took_ms": outcome.took_ms,
        "answer_status": answered and answered.status,
        "answer_body": answered.body if answered else "",
        "reason": said.reason,
        "message": said.message[:300],
        "finished_at": None if said.status == "pending" else now,
    }


def _let_later_ones_go(sending: Sending, said: verdict.Verdict, now: datetime) -> None:
    """Later events of the task that wait for this one need not wait any longer."""
    row = sending.row
    if said.status != "pending" and row["type"] == events.STARTED:
        later = Delivery.objects.filter(task_id=row["task_id"], lane=row["lane"], sequence__gt=row["sequence"], status="pending")
        later.update(due_at=now)


def _remember(sending: Sending, said: verdict.Verdict, standing: Standing, now: datetime) -> None:
    """What this try says of the endpoint; without one, of the task's own URL. A fault of ours says nothing."""
    row = sending.row
    if said.reason == "fault":
        return
    if row["endpoint_id"] is None:
        if said.reason == "gone":
            outbox.abandon(row["lane"], reason="gone", now=now, task_id=row["task_id"])
        return
    endpoint = WebhookEndpoint.objects.filter(id=row["endpoint_id"])
    _, failing_since = standing.get(row["endpoint_id"], (False, None))
    if said.status == "delivered" and failing_since:
        endpoint.update(failing_since=None)
    elif said.status != "delivered" and not failing_since:
        endpoint.filter(failing_since=None).update(failing_since=now)
    if said.disable:
        endpoints.disable(row["account_id"], row["endpoint_id"], reason=said.disable, now=now)


def _ms_since(started: float) -> int:
    return round((monotonic() - started) * 1000)


def _seconds(text: str, now: datetime) -> float | None:
    """A Retry-After: seconds, or a date."""
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        return max((parsedate_to_datetime(text) - now).total_seconds(), 0)
    except (TypeError, ValueError):
        return None


def _plain(text: str) -> str:
    """A header as text that every database takes: bytes that are not UTF-8 came as lone surrogates."""
    return text.encode(errors="replace").decode()
