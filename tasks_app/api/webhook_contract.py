"""What the OpenAPI document says of webhooks: their calls, their objects, and the event that a client's own server gets."""

from typing import Any, get_args

from ..models import Delivery
from ..webhooks import payload, verdict
from ..webhooks.events import ENDINGS, EVENTS, TEST
from ..webhooks.keyring import OVERLAP
from .components import FLAG, TEXT, TIME, WEBHOOK_EVENTS, WEBHOOK_URL, WHOLE, Schema, closed, id_of, listed, many, or_null, ref, word
from .contract import JSON, header, operation, path, query
from .filters import LIMIT, MOST

ENDPOINT_ID, DELIVERY_ID = path("id", id_of("whe")), path("id", id_of("whd"))
LOCATION = header("Location", "The endpoint's address.", {"type": "string", "format": "uri"}, on=(201,))
DESCRIPTION: Schema = {"type": "string", "maxLength": 200}
DAY = f"{OVERLAP.total_seconds() / 3600:g} hours"

ENDPOINT: dict[str, Schema] = {
    "id": id_of("whe"),
    "object": word("webhook_endpoint"),
    "url": WEBHOOK_URL,
    "description": DESCRIPTION,
    "events": WEBHOOK_EVENTS,
    "enabled": FLAG,
    "disabled_reason": or_null(TEXT, "Why it is told nothing any more."),
    "failing_since": or_null(TIME, f"When a run of nothing but failures began; after {verdict.DEAF_FOR.days} days it is disabled."),
    "created_at": TIME,
}
SECRET: Schema = {"type": "string", "pattern": "^whsec_[A-Za-z0-9+/]+=*$"}
DELIVERY: dict[str, Schema] = {
    "id": id_of("whd") | {"description": "The `webhook-id` of each try."},
    "object": word("webhook_delivery"),
    "type": word(*EVENTS, TEST),
    "sequence": WHOLE | {"description": "The event's place in its task's life."},
    "endpoint": or_null(id_of("whe"), "null: it goes to the task's own webhook_url."),
    "task": or_null(id_of("task"), "null: it is a test."),
    "url": WEBHOOK_URL,
    "status": word(*Delivery.Status.values),
    "tries": WHOLE,
    "next_try_at": or_null(TIME),
    "tried_at": or_null(TIME),
    "took_ms": or_null(WHOLE),
    "answer_status": or_null({"type": "integer"}, "The HTTP status that the last try was answered with."),
    "reason": or_null(word(*get_args(verdict.Reason)), "Why the last try failed, or why there is none any more."),
    "message": or_null(TEXT, "The reason as a sentence."),
    "created_at": TIME,
    "finished_at": or_null(TIME),
}
EVENT = closed(
    {
        "id": id_of("whd") | {"description": "The same at each try, so that you can tell a repetition."},
        "type": word(*EVENTS, TEST),
        "timestamp": TIME | {"description": "When it happened."},
        "sequence": WHOLE | {"description": "Rises with each event of a task."},
        "left_out": many(word(*payload.CAN_LEAVE_OUT))
        | {"description": f"What is missing in `data` because the whole would be longer than {payload.MOST_BYTES} bytes."},
        "data": {"type": "object", "description": "The task, as GET /tasks/{id} shows it. Of a test, the endpoint's id."},
    },
    description="What your server gets. docs/webhooks.md says how to verify it.",
)
NEW: dict[str, Schema] = {"url": WEBHOOK_URL, "events": WEBHOOK_EVENTS | {"default": list(ENDINGS)}, "description": DESCRIPTION}

SCHEMAS: dict[str, Schema] = {
    "NewWebhookEndpoint": closed(NEW, optional=("events", "description"), examples=[{"url": "https://example.com/darkroom"}]),
    "WebhookEndpointChange": closed(
        {"url": WEBHOOK_URL, "events": WEBHOOK_EVENTS, "description": DESCRIPTION, "enabled": FLAG},
        optional=(*NEW, "enabled"),
        examples=[{"enabled": True}],
    ),
    "WebhookEndpoint": closed(ENDPOINT),
    "WebhookEndpointWithSecret": closed(ENDPOINT | {"secret": SECRET | {"description": "Shown this once."}}),
    "WebhookEndpointList": listed(ref("WebhookEndpoint")),
    "WebhookSecret": closed(
        {"object": word("webhook_secret"), "secret": SECRET, "old_secret_until": or_null(TIME, "Until when the one before signs along.")}
    ),
    "WebhookDelivery": closed(DELIVERY),
    "WebhookDeliveryWithBodies": closed(
        DELIVERY | {"payload": ref("WebhookEvent"), "answer_body": TEXT | {"description": "Its beginning: 2,000 bytes at most."}}
    ),
    "WebhookDeliveryList": listed(ref("WebhookDelivery")),
    "WebhookEvent": EVENT,
}

create_endpoint = operation(
    "createWebhookEndpoint",
    "Have a server of yours told of events",
    {201: ("The endpoint with its secret.", "WebhookEndpointWithSecret")},
    tag="webhooks",
    body={JSON: ref("NewWebhookEndpoint")},
    refusals=("too_many_endpoints",),
    parameters=(LOCATION,),
    description="Each event of any of the account's tasks is POSTed there as a WebhookEvent, signed as standardwebhooks.com says.",
)
list_endpoints = operation("listWebhookEndpoints", "List the endpoints", {200: ("All of them.", "WebhookEndpointList")}, tag="webhooks")
read_endpoint = operation(
    "readWebhookEndpoint",
    "Read an endpoint",
    {200: ("The endpoint.", "WebhookEndpoint")},
    tag="webhooks",
    refusals=("not_found",),
    parameters=(ENDPOINT_ID,),
)
change_endpoint = operation(
    "changeWebhookEndpoint",
    "Change an endpoint, disable it, or enable it again",
    {200: ("The endpoint as it is now.", "WebhookEndpoint")},
    tag="webhooks",
    body={JSON: ref("WebhookEndpointChange")},
    refusals=("not_found",),
    parameters=(ENDPOINT_ID,),
    description="What waits for an endpoint that is disabled is given up, and can be replayed; what waits goes to a new URL.",
)
delete_endpoint = operation(
    "deleteWebhookEndpoint",
    "Delete an endpoint",
    {204: ("It is gone; its deliveries stay to be read.", None)},
    tag="webhooks",
    refusals=("not_found",),
    parameters=(ENDPOINT_ID,),
)
rotate_endpoint_secret = operation(
    "rotateWebhookEndpointSecret",
    "Give an endpoint a new secret",
    {200: ("The new secret, shown this once.", "WebhookSecret")},
    tag="webhooks",
    refusals=("not_found",),
    parameters=(ENDPOINT_ID,),
    description=f"For {DAY} each delivery is signed with the old one as well.",
)
test_endpoint = operation(
    "testWebhookEndpoint",
    "Send an endpoint a test",
    {202: ("The delivery, queued.", "WebhookDelivery")},
    tag="webhooks",
    refusals=("not_found",),
    parameters=(ENDPOINT_ID,),
    description="An event of type `webhook.test`, whatever the endpoint wants to hear, and although it may be disabled.",
)
read_account_secret = operation(
    "readWebhookSecret",
    "Read the secret that signs for the webhook_url of tasks",
    {200: ("The account's own secret; made when first asked for.", "WebhookSecret")},
    tag="account",
)
rotate_account_secret = operation(
    "rotateWebhookSecret",
    "Give the account a new webhook secret",
    {200: ("The new secret.", "WebhookSecret")},
    tag="account",
    description=f"For {DAY} each delivery is signed with the old one as well.",
)
list_deliveries = operation(
    "listWebhookDeliveries",
    "List deliveries, newest first",
    {200: ("A page.", "WebhookDeliveryList")},
    tag="webhooks",
    parameters=(
        query("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}),
        query("cursor", id_of("whd"), "The `next_cursor` of the page before."),
        query("task", id_of("task")),
        query("endpoint", id_of("whe")),
        query("status", word(*Delivery.Status.values)),
    ),
)
read_delivery = operation(
    "readWebhookDelivery",
    "Read a delivery with what was sent and answered",
    {200: ("The delivery.", "WebhookDeliveryWithBodies")},
    tag="webhooks",
    refusals=("not_found",),
    parameters=(DELIVERY_ID,),
)
replay_delivery = operation(
    "replayWebhookDelivery",
    "Send a delivery that is over once more",
    {202: ("The delivery, queued again.", "WebhookDelivery")},
    tag="webhooks",
    refusals=("not_found", "not_replayable"),
    parameters=(DELIVERY_ID,),
    description="Under the same `webhook-id`, with as many tries as the first time; to a disabled endpoint, with one.",
)


def add_to(result: dict, **_: Any) -> dict:
    """drf-spectacular's last hook, beside that of components.py: the schemas of this page."""
    result["components"]["schemas"] |= SCHEMAS
    return result
