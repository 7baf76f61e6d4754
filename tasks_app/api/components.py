"""The JSON of the HTTP contract as JSON Schema, for the OpenAPI document: what orders.py takes and render.py gives."""

from typing import Any

from providers.models import PublicModel

from ..render import RUNNING
from ..webhooks.events import EVENTS
from .filters import STATUSES
from .orders import BATCH_LIMIT, EXPIRES_IN, KEY, METADATA_KEYS, METADATA_LENGTH, METADATA_NAME
from .period import BY
from .problems import CODES
from .webhook_fields import LONGEST_URL

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
URL: Schema = {"type": "string", "format": "uri"}
TIME: Schema = {"type": "string", "format": "date-time"}
SHA256: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
KIND: Schema = {"type": "string", "enum": PublicModel.Kind.values}
EXAMPLE_INPUT = {"prompt": "a lighthouse at dusk, long exposure"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def id_of(prefix: str) -> Schema:
    return {"type": "string", "pattern": f"^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", "examples": [f"{prefix}_01k8zq3v7m0000000000000000"]}


def word(*words: str) -> Schema:
    return {"type": "string", "enum": list(words)}


def or_null(schema: Schema, description: str = "") -> Schema:
    """The schema, or null."""
    if "$ref" in schema:
        return {"oneOf": [schema, {"type": "null"}], "description": description}
    nullable = schema | {"type": [schema["type"], "null"], "description": description}
    return nullable | {"enum": [*schema["enum"], None]} if "enum" in schema else nullable


def many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def closed(properties: dict[str, Schema], *, optional: tuple[str, ...] = (), **more: Any) -> Schema:
    """An object with these properties and no others."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False, **more}


def listed(schema: Schema) -> Schema:
    """A page of a list."""
    cursor = or_null(TEXT, "The `cursor` of the next page; null on the last one.")
    return closed({"object": word("list"), "data": many(schema), "has_more": FLAG, "next_cursor": cursor})


METADATA: Schema = {
    "type": "object",
    "maxProperties": METADATA_KEYS,
    "propertyNames": {"pattern": f"^{METADATA_NAME.pattern}$"},
    "additionalProperties": {"type": "string", "maxLength": METADATA_LENGTH},
    "description": "Your own notes, given back as they are; GET /tasks finds tasks by them.",
}
EXPIRES: Schema = {
    "type": "integer",
    "minimum": EXPIRES_IN[0],
    "maximum": EXPIRES_IN[1],
    "description": "Seconds from now after which the task is given up and costs nothing; the model's own deadline where absent.",
}
IDEMPOTENCY_KEY: Schema = {"type": "string", "maxLength": 255, "pattern": f"^{KEY.pattern}$"}
WEBHOOK_URL: Schema = URL | {"maxLength": LONGEST_URL, "description": "https at a public address, on port 443, without a user."}
WEBHOOK_EVENTS: Schema = many(word(*EVENTS)) | {"minItems": 1, "uniqueItems": True}
ORDER: dict[str, Schema] = {
    "model": {"type": "string", "minLength": 1, "maxLength": 64, "description": "A name from GET /models."},
    "input": {"type": "object", "description": "As the model's `input_schema` says; media are `file_…`, `task_…/0` or https URLs."},
    "metadata": METADATA,
    "priority": word("normal", "low") | {"default": "normal"},
    "expires_in": EXPIRES,
    "end_user": {"type": "string", "maxLength": 128, "description": "Your own user, for GET /usage and for filters."},
    "webhook_url": WEBHOOK_URL | {"description": "Told of this task, beside the account's endpoints; see GET /account/webhook-secret."},
    "webhook_events": WEBHOOK_EVENTS | {"description": "What to tell the webhook_url; how the task ends where absent."},
}
OPTIONAL = ("metadata", "priority", "expires_in", "end_user", "webhook_url", "webhook_events")
NEEDS = {"webhook_events": ["webhook_url"]}
EXAMPLE = {"model": "darkroom/test-card-image", "input": EXAMPLE_INPUT, "metadata": {"album": "42"}}

OUTPUT = closed(
    {
        "id": id_of("output"),
        "object": word("output"),
        "type": word("image", "video", "audio", "text"),
        "url": URL | {"description": "The bytes; needs the account's API key, and lives as long as the task."},
        "content_type": TEXT,
        "bytes": WHOLE,
        "width": or_null(WHOLE, "Pixels."),
        "height": or_null(WHOLE, "Pixels."),
        "duration": or_null(NUMBER, "Seconds."),
        "sha256": SHA256,
        "thumbnail_url": or_null(URL, "A WebP of at most 480 pixels; of a video, its poster."),
    }
)
ERROR = closed({"code": TEXT, "message": TEXT, "field": or_null(TEXT, "The input at fault."), "retryable": FLAG})
USAGE_TOLD: Schema = {"type": "object", "additionalProperties": {"type": "number"}}
ITEM = closed(
    {
        "what": TEXT,
        "credits": WHOLE | {"description": "The most that it can come to."},
        "price": TEXT | {"description": "Where the price rests on what the upstream will use: an expression over that."},
        "up_to": USAGE_TOLD | {"description": "The most of each usage that counts."},
    },
    optional=("price", "up_to"),
)
COST = closed(
    {
        "held": WHOLE | {"description": "Credits set aside while the task is open."},
        "captured": or_null(WHOLE, "Credits spent; null until the task is over."),
        "items": many(ref("CostItem")),
        "usage": USAGE_TOLD | {"description": "What the upstream said it used; empty where it said nothing, and before."},
    }
)
TASK = closed(
    {
        "id": id_of("task"),
        "object": word("task"),
        "kind": KIND,
        "model": TEXT,
        "status": word(*STATUSES),
        "stage": or_null(word(*RUNNING), "What a running task is at; else null."),
        "progress": {"type": "number", "minimum": 0, "maximum": 1},
        "queue_position": or_null({"type": "integer", "minimum": 1}, "Roughly, while queued, and in GET /tasks/{id} only."),
        "priority": word("normal", "low"),
        "input": {"type": "object", "description": "With the model's defaults filled in."},
        "outputs": many(ref("Output")),
        "warnings": many(TEXT),
        "error": or_null(ref("TaskError"), "Why the task did not succeed."),
        "cost": ref("Cost"),
        "metadata": METADATA,
        "end_user": or_null(TEXT),
        "retry_of": or_null(id_of("task"), "The task that this one repeats."),
        "created_at": TIME,
        "started_at": or_null(TIME),
        "finished_at": or_null(TIME),
        "expires_at": TIME | {"description": "When the task is given up if it is not over by then."},
        "poll_after_ms": or_null(WHOLE, "When it is worth asking again; null once the task is over."),
        "urls": closed({"self": URL, "cancel": URL, "retry": URL}, optional=("cancel", "retry")),
    }
)
PROBLEM = closed(
    {
        "type": {"type": "string", "format": "uri"},
        "title": TEXT,
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": TEXT,
        "code": word(*CODES),
        "request_id": or_null(TEXT),
        "errors": many(closed({"field": TEXT, "message": TEXT})),
    },
    description="RFC 9457. Compare `code`; `errors` names each wrong field.",
)
RESULT: Schema = {"oneOf": [closed({"task": ref("Task")}), closed({"error": ref("Problem")})]}
MODEL = closed(
    {
        "id": TEXT,
        "object": word("model"),
        "kind": KIND,
        "title": TEXT,
        "description": TEXT,
        "input_schema": {"type": "object", "description": 'JSON Schema; `"format": "media"` marks a media reference.'},
        "price": TEXT | {"description": "Credits, as an expression over the input and the usage."},
        "usage": {
            "type": "object",
            "additionalProperties": TEXT,
            "description": "What the upstream will use that the price names, each with the most it can come to, over the input.",
        },
        "outputs": TEXT | {"description": "How many outputs a task has, as an expression over the input."},
        "typical_seconds": WHOLE,
        "deadline_seconds": WHOLE,
        "takes_media": FLAG | {"description": "Whether pictures, videos or sounds can be given to it."},
        "available": FLAG | {"description": "Whether a healthy provider serves it now."},
    }
)
DIRECT_UPLOAD = closed(
    {
        "id": id_of("file") | {"description": "Of the file that it becomes."},
        "object": word("upload"),
        "name": TEXT,
        "bytes": WHOLE,
        "method": word("PUT"),
        "url": URL | {"description": "Takes one body of exactly so many bytes; needs no API key."},
        "headers": {
            "type": "object",
            "additionalProperties": TEXT,
            "description": "To be sent as they are; browsers send this one themselves.",
        },
        "expires_at": TIME | {"description": "Until then the PUT must begin."},
        "complete_url": URL | {"description": "To be POSTed to, within a day, when the bytes are there."},
    }
)
FILE = closed(
    {
        "id": id_of("file"),
        "object": word("file"),
        "name": TEXT,
        "url": URL,
        "content_type": TEXT,
        "bytes": WHOLE,
        "sha256": or_null(SHA256, "Null where it was put straight into a bucket, for nobody here has read it whole."),
        "created_at": TIME,
        "expires_at": or_null(TIME, "From then on no task takes it as an input, and it is deleted soon; null: never."),
    }
)
ACCOUNT = closed(
    {
        "object": word("account"),
        "name": TEXT,
        "balance": WHOLE | {"description": "Credits owned."},
        "held": WHOLE | {"description": "Of these, set aside for open tasks."},
        "free": WHOLE | {"description": "balance - held."},
        "active": WHOLE | {"description": "Tasks at work."},
        "max_active": WHOLE | {"description": "Tasks at work at once; further ones wait."},
    }
)
DAY: Schema = {"type": "string", "format": "date"}
MONTH: Schema = {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "examples": ["2026-11"]}
COUNTS = dict.fromkeys(("tasks", "succeeded", "failed", "canceled", "expired", "credits"), WHOLE)
USAGE_LINE = closed({"day": DAY, "model": TEXT, "kind": KIND, "end_user": TEXT, **COUNTS}, optional=BY)
USAGE = closed({"object": word("usage"), "from": DAY, "to": DAY, "by": many(word(*BY)), "data": many(ref("UsageLine")), "has_more": FLAG})
QUOTE = closed(
    {
        "object": word("quote"),
        "model": TEXT,
        "credits": WHOLE | {"description": "The most that the task can cost."},
        "items": many(ref("CostItem")),
        "outputs": WHOLE,
        "typical_seconds": WHOLE,
    }
)

SCHEMAS: dict[str, Schema] = {
    "NewTask": closed(ORDER, optional=OPTIONAL, examples=[EXAMPLE], dependentRequired=NEEDS),
    "NewBatch": closed(
        {"tasks": many(ref("NewBatchTask")) | {"minItems": 1, "maxItems": BATCH_LIMIT}},
        examples=[{"tasks": [EXAMPLE, EXAMPLE | {"idempotency_key": "order-7-picture-2"}]}],
    ),
    "NewBatchTask": closed(ORDER | {"idempotency_key": IDEMPOTENCY_KEY}, optional=(*OPTIONAL, "idempotency_key"), dependentRequired=NEEDS),
    "Task": TASK,
    "TaskList": listed(ref("Task")),
    "TaskError": ERROR,
    "Output": OUTPUT,
    "Cost": COST,
    "CostItem": ITEM,
    "Quote": QUOTE,
    "BatchResult": RESULT,
    "Batch": closed({"object": word("list"), "data": many(ref("BatchResult")), "accepted": WHOLE, "refused": WHOLE}),
    "Model": MODEL,
    "ModelList": listed(ref("Model")),
    "PartialModelList": listed(MODEL | {"required": [], "description": "A model's `fields`, and nothing else."}),
    "NewDirectUpload": closed({"upload": closed({"name": TEXT | {"minLength": 1, "maxLength": 200}, "bytes": WHOLE | {"minimum": 1}})}),
    "DirectUpload": DIRECT_UPLOAD,
    "Upload": closed({"file": {"type": "string", "contentMediaType": "application/octet-stream"}}),
    "File": FILE,
    "Account": ACCOUNT,
    "Usage": USAGE,
    "UsageLine": USAGE_LINE,
    "Problem": PROBLEM,
}


def add_to(result: dict, **_: Any) -> dict:
    """drf-spectacular's last hook: adds the schemas that contract.py refers to, and that a body is not a thing to leave out."""
    result["components"]["schemas"] = {**SCHEMAS, **result["components"].get("schemas", {})}
    for operation in (one for path in result["paths"].values() for one in path.values()):
        if "requestBody" in operation:
            operation["requestBody"]["required"] = True
    return result
