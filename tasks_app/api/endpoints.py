"""Webhook endpoints, and the account's own webhook secret."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.utils import timezone

from .. import ids
from ..engine import wake
from ..models import WebhookEndpoint
from ..render import BASE
from ..webhooks import endpoints, outbox
from ..webhooks.keyring import Ring
from . import deliveries, orders, problems, webhook_contract, webhook_fields
from .answer import Answer
from .view import PRIVATE, View, id_in

DESCRIPTION_LENGTH = 200


class Endpoints(View):
    @webhook_contract.create_endpoint
    def post(self, request):
        body = checked(request.data, CREATE, required=("url",))
        try:
            made = endpoints.create(request.user.account_id, **body, now=timezone.now())
        except endpoints.TooMany:
            detail = f"An account has {endpoints.MOST} endpoints at most: delete one, or use webhook_url."
            raise problems.problem("too_many_endpoints", detail) from None
        answer = shown(made.endpoint) | {"secret": made.secret}
        return Answer(answer, 201, headers=PRIVATE | {"Location": f"{BASE}/webhook-endpoints/{answer['id']}"})

    @webhook_contract.list_endpoints
    def get(self, request):
        found = WebhookEndpoint.objects.filter(account=request.user.account_id).order_by("-id")
        return Answer({"object": "list", "data": [shown(one) for one in found], "has_more": False, "next_cursor": None}, headers=PRIVATE)


class OneEndpoint(View):
    http_method_names: ClassVar = (*View.http_method_names, "patch")

    @webhook_contract.read_endpoint
    def get(self, request, id):
        return Answer(shown(own(request, id)), headers=PRIVATE)

    @webhook_contract.change_endpoint
    def patch(self, request, id):
        endpoint = own(request, id)
        endpoints.change(endpoint, **checked(request.data, CHANGE), now=timezone.now())
        return Answer(shown(endpoint), headers=PRIVATE)

    @webhook_contract.delete_endpoint
    def delete(self, request, id):
        orders.nothing(request.data)
        endpoints.delete(own(request, id), now=timezone.now())
        return Answer(status=204)


class RotateSecret(View):
    @webhook_contract.rotate_endpoint_secret
    def post(self, request, id):
        orders.nothing(request.data)
        return Answer(secret(endpoints.rotate(own(request, id), now=timezone.now())), headers=PRIVATE)


class SendTest(View):
    @webhook_contract.test_endpoint
    def post(self, request, id):
        orders.nothing(request.data)
        delivery = outbox.test(own(request, id), now=timezone.now())
        wake.wake("notify")
        return Answer(deliveries.shown(delivery), 202, headers=PRIVATE)


class AccountSecret(View):
    @webhook_contract.read_account_secret
    def get(self, request):
        return Answer(secret(endpoints.account_ring(request.user.account_id, now=timezone.now())), headers=PRIVATE)


class RotateAccountSecret(View):
    @webhook_contract.rotate_account_secret
    def post(self, request):
        orders.nothing(request.data)
        return Answer(secret(endpoints.rotate_account_secret(request.user.account_id, now=timezone.now())), headers=PRIVATE)


def own(request, id: str) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.filter(account=request.user.account_id, id=id_in("whe", id)).first()
    if endpoint is None:
        raise problems.missing()
    return endpoint


def shown(endpoint: WebhookEndpoint) -> dict:
    return {
        "id": ids.shown("whe", endpoint.id),
        "object": "webhook_endpoint",
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "enabled": endpoint.is_enabled,
        "disabled_reason": endpoint.disabled_reason or None,
        "failing_since": endpoint.failing_since,
        "created_at": endpoint.created_at,
    }


def secret(ring: Ring) -> dict:
    return {"object": "webhook_secret", "secret": ring.secret, "old_secret_until": ring.old_until}


def checked(body: Any, checks: Mapping[str, Callable[[Any], webhook_fields.Faults]], *, required: tuple[str, ...] = ()) -> dict:
    """The body, when nothing is wrong with it; else raises a Problem that names each wrong field."""
    if faults := orders.faults_in(body, checks, required=required):
        raise problems.invalid(faults)
    return body


def _description(value: Any) -> webhook_fields.Faults:
    if not isinstance(value, str) or len(value) > DESCRIPTION_LENGTH:
        yield "", f"must be a string of at most {DESCRIPTION_LENGTH} characters"


def _enabled(value: Any) -> webhook_fields.Faults:
    if not isinstance(value, bool):
        yield "", "must be true or false"


CREATE = {"url": webhook_fields.url, "events": webhook_fields.event_names, "description": _description}
CHANGE = CREATE | {"enabled": _enabled}
