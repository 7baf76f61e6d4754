"""What the OpenAPI document says of /v1: the part of OpenAI's own contract that is spoken here, with what ours has besides."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from .. import contract
from ..components import FLAG, IDEMPOTENCY_KEY, TEXT, URL, WHOLE, Schema, closed, id_of, many, or_null, ref, word
from ..contract import BYTES, JSON, Answers, header, path, query
from . import replays

FORM = "multipart/form-data"
TAG = "openai"
EVERYWHERE = {
    400: "A parameter is wrong or unknown.",
    401: "No valid API key.",
    403: "This API key may not do that, or the account is disabled.",
    429: "The credits are out (`insufficient_quota`), or too many requests (`rate_limit_exceeded`).",
    500: "Something broke on our side.",
    503: "Not available now.",
}
OF_A_BODY = {411: "The body's length is not told.", 413: "The body is too large."}
MISSING = {404: "There is no such thing, or no such model."}

NULL: Schema = {"type": "null"}
UNIX = WHOLE | {"description": "Seconds since 1970."}
FILE: Schema = {"type": "string", "contentMediaType": "application/octet-stream"}
REFERENCE: Schema = {
    "oneOf": [
        TEXT | {"description": "`file_…`, `task_…/0`, an https URL or a data URL."},
        closed({"file_id": TEXT}),
        closed({"image_url": TEXT}),
    ]
}


def _open(properties: dict[str, Schema], required: Sequence[str]) -> Schema:
    """A body, which may have the model's own fields too."""
    more = "Any other is the model's field of that name: see `input_schema` of GET /api/v1/models/{name}."
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": True, "description": more}


MODEL, PROMPT = TEXT | {"description": "A name from GET /v1/models."}, {"type": "string", "minLength": 1}
VIDEO_WISH: dict[str, Schema] = {
    "model": MODEL,
    "prompt": PROMPT,
    "seconds": {"oneOf": [TEXT, {"type": "number"}], "description": "The model's duration."},
    "size": TEXT | {"description": "Width x height in pixels.", "examples": ["1280x720"]},
}
PICTURES_WISH: dict[str, Schema] = {
    "model": MODEL,
    "prompt": PROMPT,
    "n": {"type": "integer", "minimum": 1},
    "size": TEXT | {"description": "Width x height in pixels, or `auto`.", "examples": ["1024x1024"]},
    "response_format": word("b64_json", "url") | {"default": "b64_json"},
    "user": TEXT | {"description": "Your own user, for GET /api/v1/usage."},
}
WISHES = ("model", "prompt")

SCHEMAS: dict[str, Schema] = {
    "OpenAIError": closed({"error": closed({"message": TEXT, "type": TEXT, "param": or_null(TEXT), "code": or_null(TEXT)})}),
    "OpenAIModel": closed(
        {"id": TEXT, "object": word("model"), "created": UNIX, "owned_by": TEXT, "shutdown_date": NULL},
    ),
    "OpenAIModelList": closed({"object": word("list"), "data": many(ref("OpenAIModel"))}),
    "OpenAIVideo": closed(
        {
            "id": id_of("task"),
            "object": word("video"),
            "model": TEXT,
            "status": word("queued", "in_progress", "completed", "failed"),
            "progress": WHOLE | {"maximum": 100},
            "created_at": UNIX,
            "completed_at": or_null(UNIX),
            "expires_at": or_null(UNIX, "When it is deleted, with its bytes."),
            "prompt": or_null(TEXT),
            "seconds": TEXT,
            "size": TEXT,
            "remixed_from_video_id": or_null(TEXT),
            "error": {"oneOf": [closed({"code": TEXT, "message": TEXT, "param": or_null(TEXT)}), NULL]},
        }
    ),
    "OpenAIVideoList": closed(
        {
            "object": word("list"),
            "data": many(ref("OpenAIVideo")),
            "first_id": or_null(TEXT),
            "last_id": or_null(TEXT),
            "has_more": FLAG,
        }
    ),
    "OpenAIVideoDeleted": closed({"id": id_of("task"), "object": word("video.deleted"), "deleted": FLAG}),
    "OpenAIImages": closed(
        {
            "created": UNIX,
            "background": NULL,
            "output_format": or_null(TEXT),
            "quality": NULL,
            "size": or_null(TEXT),
            "usage": NULL,
            "data": many(closed({"b64_json": or_null(TEXT), "revised_prompt": NULL, "url": or_null(URL)})),
        }
    ),
    "OpenAIImagesPending": closed({"created": UNIX, "data": NULL, "message": TEXT, "url": URL, "task": ref("Task")}),
    "NewOpenAIVideo": _open(VIDEO_WISH | {"input_reference": REFERENCE}, WISHES),
    "NewOpenAIVideoForm": _open(VIDEO_WISH | {"input_reference": FILE}, WISHES),
    "NewOpenAIRemix": closed({"prompt": PROMPT}),
    "NewOpenAIImages": _open(PICTURES_WISH, WISHES),
    "NewOpenAIEdit": _open(PICTURES_WISH | {"images": many(REFERENCE), "mask": REFERENCE}, (*WISHES, "images")),
    "NewOpenAIEditForm": _open(PICTURES_WISH | {"image": FILE, "mask": FILE}, (*WISHES, "image")),
}

NOT_AGAIN = header(
    "x-should-retry", "`false` where the same would be refused again.", word("false"), on=(400, 401, 403, 404, 409, 429, 500)
)
PACE = header("openai-poll-after-ms", "When it is worth asking again.", WHOLE, on=(200, 202))
TRIES = header("x-stainless-retry-count", "How often the official client has sent this request before.", WHOLE)
PATIENCE = header("x-stainless-read-timeout", "For how many seconds the official client waits for an answer.", str)
KEY = header("Idempotency-Key", "The same key and content again are answered with the same task.", IDEMPOTENCY_KEY)
REPLAYED = header("Idempotent-Replayed", "Present where the answer is an earlier request's task.", word("true"), on=(200, 202))
PREFER = header("Prefer", "`respond-async`: answer 202 at once.")
LOCATION = header("Location", "Where the pictures will be.", URL, on=(202,))
TASK_ID = path("id", id_of("task"))
WISH_HEADERS = (KEY, TRIES, PATIENCE, REPLAYED, PACE)
MINUTES = replays.REPLAYED_FOR.seconds // 60
AGAIN = f"What the official client sends again within {MINUTES} minutes is answered with the task that it made before."
PICTURES: Answers = {200: ("The pictures.", "OpenAIImages"), 202: ("They are not done yet.", "OpenAIImagesPending")}


def _call(
    id: str,
    summary: str,
    answers: Answers,
    *,
    refusals: dict[int, str] | None = None,
    parameters: Sequence[OpenApiParameter] = (),
    body: dict[str, Any] | None = None,
    description: str = "",
) -> Callable:
    said = EVERYWHERE | (refusals or {}) | (OF_A_BODY if body else {})
    errors = {(status, JSON): OpenApiResponse(ref("OpenAIError"), description=meaning) for status, meaning in said.items()}
    shared = (contract.REQUEST_ID, contract.ECHO, contract.CHALLENGE, contract.RETRY_AFTER, *contract.RATE, NOT_AGAIN)
    return extend_schema(
        operation_id=id,
        summary=summary,
        description=description,
        tags=[TAG],
        request=body,
        responses=contract.responses(answers) | errors,
        parameters=[*shared, *parameters],
    )


list_models = _call("listOpenAIModels", "List what makes pictures or videos", {200: ("All of them.", "OpenAIModelList")})
read_model = _call(
    "readOpenAIModel",
    "Read a model",
    {200: ("The model.", "OpenAIModel")},
    refusals=MISSING,
    parameters=(path("name", str, "Its id, slashes included."),),
)
create_video = _call(
    "createOpenAIVideo",
    "Have a video made",
    {200: ("The video, queued.", "OpenAIVideo")},
    refusals=MISSING,
    parameters=WISH_HEADERS,
    body={JSON: ref("NewOpenAIVideo"), FORM: ref("NewOpenAIVideoForm")},
    description=AGAIN,
)
list_videos = _call(
    "listOpenAIVideos",
    "List videos",
    {200: ("A page.", "OpenAIVideoList")},
    parameters=(
        query("after", id_of("task"), "The `last_id` of the page before."),
        query("limit", {"type": "integer", "minimum": 0, "maximum": 100, "default": 20}),
        query("order", word("asc", "desc") | {"default": "desc"}),
    ),
)
read_video = _call("readOpenAIVideo", "Read a video", {200: ("The video.", "OpenAIVideo")}, refusals=MISSING, parameters=(TASK_ID, PACE))
delete_video = _call(
    "deleteOpenAIVideo",
    "Delete a video that is completed or failed",
    {200: ("It is gone.", "OpenAIVideoDeleted")},
    refusals=MISSING | {409: "It is still made, or used."},
    parameters=(TASK_ID,),
)
video_content = _call(
    "readOpenAIVideoContent",
    "The bytes of a video",
    {
        200: ("The bytes.", BYTES),
        206: ("A range of the bytes.", BYTES),
        302: ("They are in Location.", None),
        304: ("You have them.", None),
    },
    refusals=MISSING | {416: "The range lies outside the content."},
    parameters=(
        TASK_ID,
        query("variant", word("video", "thumbnail", "spritesheet")),
        contract.RANGE,
        contract.IF_RANGE,
        contract.IF_NONE_MATCH,
    ),
    description="HEAD answers without the bytes. There are no spritesheets.",
)
remix_video = _call(
    "remixOpenAIVideo",
    "Have a video made from another",
    {200: ("The new video, queued.", "OpenAIVideo")},
    refusals=MISSING,
    parameters=(TASK_ID, *WISH_HEADERS),
    body={JSON: ref("NewOpenAIRemix")},
    description="By models that take a video as an input.",
)
generate_images = _call(
    "createOpenAIImages",
    "Have pictures made",
    PICTURES,
    refusals=MISSING,
    parameters=(*WISH_HEADERS, PREFER, LOCATION),
    body={JSON: ref("NewOpenAIImages")},
    description=f"Answers with the pictures if they are done in time. {AGAIN}",
)
edit_images = _call(
    "createOpenAIEdit",
    "Have pictures edited",
    PICTURES,
    refusals=MISSING,
    parameters=(*WISH_HEADERS, PREFER, LOCATION),
    body={JSON: ref("NewOpenAIEdit"), FORM: ref("NewOpenAIEditForm")},
    description=f"Answers with the pictures if they are done in time. {AGAIN}",
)
read_images = _call(
    "readOpenAIImages",
    "Read the pictures of a task",
    PICTURES,
    refusals=MISSING,
    parameters=(TASK_ID, query("response_format", word("b64_json", "url")), PACE, LOCATION),
)


def add_to(result: dict, **_: Any) -> dict:
    """drf-spectacular's last hook, beside that of components.py: the schemas of this page."""
    result["components"]["schemas"] |= SCHEMAS
    return result
