"""Webhook deliveries: what was sent where, what came back, and once more."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import orjson
from django.utils import timezone

from .. import ids
from ..engine import wake
from ..models import Delivery
from ..webhooks import outbox
from . import filters, problems, webhook_contract
from .answer import Answer
from .orders import nothing
from .view import PRIVATE, View, id_in

BODIES = ("payload", "answer_body")  # 22 KB of each delivery, which a list leaves out


class Deliveries(View):
    PARAMETERS: ClassVar = frozenset(("cursor", "endpoint", "limit", "status", "task"))

    @webhook_contract.list_deliveries
    def get(self, request):
        asked = _read(request.query_params)
        limit, cursor = asked.pop("limit", filters.LIMIT), asked.pop("cursor", None)
        found = Delivery.objects.filter(account=request.user.account_id, **asked).defer(*BODIES).order_by("-id")
        page = list((found.filter(id__lt=cursor) if cursor else found)[: limit + 1])
        has_more = len(page) > limit
        return Answer(
            {
                "object": "list",
                "data": [shown(one) for one in page[:limit]],
                "has_more": has_more,
                "next_cursor": ids.shown("whd", page[limit - 1].id) if has_more else None,
            },
            headers=PRIVATE,
        )


class OneDelivery(View):
    @webhook_contract.read_delivery
    def get(self, request, id):
        delivery = own(request, id)
        bodies = {"payload": orjson.Fragment(delivery.payload), "answer_body": delivery.answer_body}
        return Answer(shown(delivery) | bodies, headers=PRIVATE)


class Replay(View):
    @webhook_contract.replay_delivery
    def post(self, request, id):
        nothing(request.data)
        delivery = own(request, id)
        try:
            outbox.replay(delivery, now=timezone.now())
        except outbox.StillOpen:
            raise problems.problem("not_replayable", "It is still on its way: wait until it is delivered or failed.") from None
        except outbox.EndpointGone:
            raise problems.problem("not_replayable", "Its endpoint was deleted: there is nobody to send it to.") from None
        wake.wake("notify")
        return Answer(shown(delivery), 202, headers=PRIVATE)


def own(request, id: str) -> Delivery:
    delivery = Delivery.objects.filter(account=request.user.account_id, id=id_in("whd", id)).first()
    if delivery is None:
        raise problems.missing()
    return delivery


def shown(delivery: Delivery) -> dict:
    return {
        "id": ids.shown("whd", delivery.id),
        "object": "webhook_delivery",
        "type": delivery.type,
        "sequence": delivery.sequence,
        "endpoint": delivery.endpoint_id and ids.shown("whe", delivery.endpoint_id),
        "task": delivery.task_id and ids.shown("task", delivery.task_id),
        "url": delivery.url,
        "status": delivery.status,
        "tries": delivery.tries,
        "next_try_at": delivery.due_at if delivery.status == "pending" else None,
        "tried_at": delivery.tried_at,
        "took_ms": delivery.took_ms,
        "answer_status": delivery.answer_status,
        "reason": delivery.reason or None,
        "message": delivery.message or None,
        "created_at": delivery.created_at,
        "finished_at": delivery.finished_at,
    }


def _read(params: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of GET /webhook-deliveries by column; raises a Problem that names each wrong one."""
    asked, faults = {}, []
    for name, text in params.items():
        column, read = READERS[name]
        try:
            asked[column] = read(text)
        except ValueError as fault:
            faults.append((name, str(fault)))
    if faults:
        raise problems.invalid(faults)
    return asked


def _id(prefix: str, what: str) -> Callable[[str], Any]:
    def read(text: str):
        if (found := ids.parse(prefix, text)) is None:
            raise ValueError(f"must be {what}")
        return found

    return read


READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "task": ("task_id", _id("task", "the id of a task")),
    "endpoint": ("endpoint_id", _id("whe", "the id of a webhook endpoint")),
    "status": ("status", filters.one_of(*Delivery.Status.values)),
    "limit": ("limit", filters.READERS["limit"]),
    "cursor": ("cursor", _id("whd", "the next_cursor of an earlier answer")),
}
