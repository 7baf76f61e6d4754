"""What the OpenAPI document says of each call: parameters, bodies, answers, refusals. One decorator for each."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from . import components
from .components import Schema, id_of, ref, word
from .filters import LIMIT, MOST, STATUSES
from .period import BY
from .problems import CODES, MEDIA_TYPE

JSON, CSV, EVENT_STREAM, ANY = "application/json", "text/csv", "text/event-stream", "*/*"
EVERYWHERE = (
    "unauthenticated",
    "forbidden_by_key",
    "cross_origin",
    "rate_limited",
    "not_acceptable",
    "invalid_request",
    "internal_error",
    "unavailable",
)
WITH_BODY = ("malformed_json", "length_required", "too_large", "unsupported_media_type")
BYTES: Schema = {"type": "string", "format": "binary"}
TABLE: Schema = {"type": "string"}
EVENTS: Schema = {"type": "string", "description": "Server-sent events; docs/live-progress.md says which."}
MEDIA_TYPES = ((BYTES, ANY), (TABLE, CSV), (EVENTS, EVENT_STREAM))

Answers = dict[int, tuple[str, Any]]


def operation(
    id: str,
    summary: str,
    answers: Answers,
    *,
    tag: str,
    refusals: Sequence[str] = (),
    parameters: Sequence[OpenApiParameter] = (),
    body: dict[str, Schema] | None = None,
    description: str = "",
    auth: Sequence[Any] | None = None,
) -> Callable:
    """The decorator that describes one call: `answers` are {status: (meaning, schema)}, `refusals` the codes of its problems."""
    codes = {*refusals, *EVERYWHERE, *(WITH_BODY if body else ())}
    return extend_schema(
        operation_id=id,
        summary=summary,
        description=description,
        tags=[tag],
        request=body,
        responses=responses(answers) | _refusals(codes),
        parameters=[REQUEST_ID, ECHO, CHALLENGE, RETRY_AFTER, *RATE, *parameters],
        auth=auth,
    )


def responses(answers: Answers) -> dict:
    """The answers of one call, as drf-spectacular takes them."""
    return {_key(status, schema): OpenApiResponse(_schema(schema), description=meaning) for status, (meaning, schema) in answers.items()}


def _key(status: int, schema: Any) -> Any:
    if schema is None:
        return status
    return (status, next((media_type for known, media_type in MEDIA_TYPES if schema is known), JSON))


def _schema(schema: Any) -> Any:
    return ref(schema) if isinstance(schema, str) else schema


def _refusals(codes: set[str]) -> dict:
    """One response for each status, its description listing the codes."""
    statuses: dict[int, list[str]] = {}
    for code in sorted(codes):
        statuses.setdefault(CODES[code][0], []).append(f"`{code}`: {CODES[code][1]}.")
    return {(status, MEDIA_TYPE): OpenApiResponse(ref("Problem"), description=" ".join(lines)) for status, lines in statuses.items()}


def header(name: str, description: str, schema: Any = str, *, on: Sequence[int] = ()) -> OpenApiParameter:
    """A request's header, or, with `on`, one of the answers with these statuses."""
    place = OpenApiParameter.HEADER
    return OpenApiParameter(name, schema, place, description=description, response=[str(status) for status in on] or False)


def query(name: str, schema: Any, description: str = "") -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.QUERY, description=description)


def path(name: str, schema: Any, description: str = "") -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, description=description)


REQUEST_ID = header("X-Request-ID", "Names this request in our logs; made up where absent.")
CHALLENGE = header("WWW-Authenticate", "Bearer.", on=(401,))
ECHO = OpenApiParameter("X-Request-ID", str, OpenApiParameter.HEADER, description="The request's name in our logs.", response=True)
RETRY_AFTER = header("Retry-After", "Seconds.", components.WHOLE, on=(429, 503))
RATE = [
    OpenApiParameter(f"RateLimit-{name}", components.WHOLE, OpenApiParameter.HEADER, description=meaning, response=True)
    for name, meaning in (
        ("Limit", "Requests a minute that the key may make, reads and writes apart; absent where it has no limit."),
        ("Remaining", "How many of them are left."),
        ("Reset", "In how many seconds the minute ends."),
    )
]
KEY = header("Idempotency-Key", "The same key and body again give the same task, and buy nothing.", components.IDEMPOTENCY_KEY)
ETAG = header("ETag", "Names this state.", on=(200, 304))
ACCEPT_LANGUAGE = header(
    "Accept-Language", "`zh` has titles and descriptions in Chinese, those in the schema too, where there are any; else they are English."
)
CONTENT_LANGUAGE = header("Content-Language", "Of titles and descriptions.", word("en", "zh-hans"), on=(200,))
IF_NONE_MATCH = header("If-None-Match", "The ETag that you have: 304 if it still holds.")
LOCATION = header("Location", "The address of what was made.", components.URL, on=(201,))
TASK_LOCATION = header("Location", "The task's address.", components.URL, on=(200, 201))
REPLAYED = header("Idempotent-Replayed", "Present on a replay.", word("true"), on=(200,))
PREFER = header("Prefer", "`wait=N`: answer when the task is over, or after N seconds, 60 at most. It may be left alone.")
PREFERENCE_APPLIED = header("Preference-Applied", "`wait=N` where it was waited.", on=(200, 201, 304))
LAST_EVENT_ID = header("Last-Event-ID", "The `id` of the last event that you have: what came after it is told.")
TASK_ID, OUTPUT_ID, FILE_ID = (path("id", id_of(prefix)) for prefix in ("task", "output", "file"))
RANGE = header("Range", "`bytes=first-last`, `bytes=first-` or `bytes=-count`; of several ranges one is sent.")
IF_RANGE = header("If-Range", "The ETag of the part that you have.")
SIGNATURE = query("signature", str, "Opens this one object for a day without an API key; part of links that we make.")
UPLOAD_SIGNATURE = query("signature", str, "Part of the link.")
CONTENT_RANGE = header("Content-Range", "Which bytes these are.", on=(206, 416))
CONTENT: Answers = {
    200: ("The bytes.", BYTES),
    206: ("A range of the bytes.", BYTES),
    302: ("They are at the address in Location, for an hour.", None),
    304: ("You have them.", None),
}
NEW_TASK = {JSON: ref("NewTask")}
ORDER_REFUSALS = ("invalid_input",)
BUY_REFUSALS = (*ORDER_REFUSALS, "insufficient_credits", "account_disabled", "idempotency_key_reused")
TASK_ANSWERS: Answers = {201: ("The task, queued.", "Task"), 200: ("A replay: the task that this key already made.", "Task")}


def content(id: str, summary: str, *, tag: str, of: OpenApiParameter) -> Callable:
    """The decorator of a call that sends bytes."""
    parameters = (of, SIGNATURE, RANGE, IF_RANGE, IF_NONE_MATCH, CONTENT_RANGE, header("ETag", "Names these bytes.", on=(200, 206, 304)))
    return operation(
        id,
        summary,
        CONTENT,
        tag=tag,
        refusals=("not_found", "range_not_satisfiable"),
        parameters=parameters,
        description="HEAD answers without the bytes.",
        auth=[{"Bearer": []}, {}],  # a signed link needs no key
    )


create = operation(
    "createTask",
    "Create a task",
    TASK_ANSWERS,
    tag="tasks",
    body=NEW_TASK,
    refusals=BUY_REFUSALS,
    parameters=(KEY, PREFER, PREFERENCE_APPLIED, TASK_LOCATION, REPLAYED),
    description="Holds the credits that the task can cost at most, and queues it.",
)
quote = operation(
    "quoteTask",
    "Ask what a task would cost",
    {200: ("The quote.", "Quote")},
    tag="tasks",
    body=NEW_TASK,
    refusals=ORDER_REFUSALS,
    description="Checks all that creating would check but the credits, and buys nothing.",
)
batch = operation(
    "createTasks",
    "Create up to 1,000 tasks",
    {200: ("One result for each task, in the same order.", "Batch")},
    tag="tasks",
    body={JSON: ref("NewBatch")},
    description="Each task is accepted or refused alone, in order, until the credits end.",
)
list_tasks = operation(
    "listTasks",
    "List tasks, newest first",
    {200: ("A page.", "TaskList")},
    tag="tasks",
    parameters=(
        query("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}),
        query("cursor", components.id_of("task"), "The `next_cursor` of the page before."),
        query("status", word(*STATUSES)),
        query("kind", components.KIND),
        query("model", {"type": "string", "minLength": 1, "maxLength": 64}),
        query("end_user", {"type": "string", "minLength": 1, "maxLength": 128}),
        query("created_after", components.TIME),
        query("created_before", components.TIME),
        OpenApiParameter(
            "metadata",
            {name: components.METADATA[name] for name in ("type", "propertyNames", "additionalProperties")},
            OpenApiParameter.QUERY,
            style="deepObject",
            explode=True,
            description="`metadata[album]=42`: tasks whose metadata say so.",
        ),
    ),
)
read = operation(
    "readTask",
    "Read a task",
    {200: ("The task.", "Task"), 304: ("It is as you have it.", None)},
    tag="tasks",
    refusals=("not_found",),
    parameters=(TASK_ID, PREFER, PREFERENCE_APPLIED, IF_NONE_MATCH, ETAG),
)
task_events = operation(
    "readTaskEvents",
    "Follow a task",
    {
        200: ("A `snapshot`, then `progress` and `state` until the task is over.", EVENTS),
        204: ("It is over, and you have heard all.", None),
    },
    tag="tasks",
    refusals=("not_found", "too_many_streams"),
    parameters=(TASK_ID, LAST_EVENT_ID),
    description=(
        "Server-sent events. The data of `snapshot` is the task; of `progress`, `{task, progress}`; of `state`, "
        "`{status, stage, at, task}`, the task as it stands. The stream may end at any time: come again with `Last-Event-ID`, as a "
        "browser's EventSource does."
    ),
)
delete = operation(
    "deleteTask",
    "Delete a task that is over, with its outputs",
    {204: ("It is gone.", None)},
    tag="tasks",
    refusals=("not_found", "not_deletable"),
    parameters=(TASK_ID,),
)
cancel = operation(
    "cancelTask",
    "Cancel a task",
    {200: ("The task: canceled, or about to be.", "Task")},
    tag="tasks",
    refusals=("not_found", "not_cancelable"),
    parameters=(TASK_ID,),
    description="A queued task is canceled at once. One that an upstream works on is canceled where the upstream can stop it.",
)
retry = operation(
    "retryTask",
    "Repeat a task that is over",
    TASK_ANSWERS,
    tag="tasks",
    refusals=("not_found", "not_retryable", *BUY_REFUSALS),
    parameters=(TASK_ID, KEY, TASK_LOCATION, REPLAYED),
    description="A new task with the same model, input, metadata, priority, end user and webhook_url, at today's price.",
)
output_content = content("readOutputContent", "The bytes of an output", tag="outputs", of=OUTPUT_ID)
output_thumbnail = content("readOutputThumbnail", "A small picture of an output", tag="outputs", of=OUTPUT_ID)
list_models = operation(
    "listModels",
    "List the models",
    {200: ("All of them.", {"anyOf": [ref("ModelList"), ref("PartialModelList")]})},
    tag="models",
    parameters=(
        query("kind", components.KIND),
        query("fields", {"type": "string", "examples": ["id,title,available"]}, "What to tell of each, by commas; all where absent."),
        ACCEPT_LANGUAGE,
        CONTENT_LANGUAGE,
    ),
)
read_model = operation(
    "readModel",
    "Read a model",
    {200: ("The model.", "Model")},
    tag="models",
    refusals=("not_found",),
    parameters=(path("name", str, "Its id, slashes included: darkroom/test-card-image"), ACCEPT_LANGUAGE, CONTENT_LANGUAGE),
)
upload = operation(
    "uploadFile",
    "Upload a file to be used as an input, or begin a direct upload",
    {201: ("The file; or the upload, where the body was JSON.", {"oneOf": [ref("File"), ref("DirectUpload")]})},
    tag="files",
    body={"multipart/form-data": ref("Upload"), JSON: ref("NewDirectUpload")},
    refusals=("malformed_upload",),
    parameters=(LOCATION,),
    description=(
        "A picture, video, sound or text. Its type is what its first bytes say, not its name. To JSON the answer is an address to which "
        "anyone may PUT exactly so many bytes, past the API, for an hour; `completeUpload` then makes the file of them. That is for files "
        "that are large, and for pages that may have no API key."
    ),
)
complete_upload = operation(
    "completeUpload",
    "Make a file of what was put",
    {200: ("The file; the same one when asked again.", "File")},
    tag="files",
    refusals=("not_found", "not_uploaded", "unsupported_media_type"),
    parameters=(FILE_ID,),
    description="To be called within a day; what was put is looked at, and cannot be changed any more.",
)
put_upload = operation(
    "putUpload",
    "Put the bytes of an upload",
    {204: ("They are here; complete the upload.", None)},
    tag="files",
    body={"application/octet-stream": BYTES},
    refusals=("not_found", "malformed_upload"),
    parameters=(FILE_ID, UPLOAD_SIGNATURE),
    description="Where the address that POST /files answers leads, unless files are kept in a bucket that takes them itself.",
    auth=[{"Bearer": []}, {}],  # the link needs no key
)
read_file = operation(
    "readFile", "Read what is known of a file", {200: ("The file.", "File")}, tag="files", refusals=("not_found",), parameters=(FILE_ID,)
)
delete_file = operation(
    "deleteFile",
    "Delete a file",
    {204: ("It is gone.", None)},
    tag="files",
    refusals=("not_found", "not_deletable"),
    parameters=(FILE_ID,),
)
file_content = content("readFileContent", "The bytes of a file", tag="files", of=FILE_ID)
read_account = operation("readAccount", "Read the account: credits and caps", {200: ("The account.", "Account")}, tag="account")
account_events = operation(
    "readAccountEvents",
    "Follow all tasks of the account",
    {200: ("A `snapshot` of the newest tasks, then `progress` and `state` of any.", EVENTS)},
    tag="account",
    refusals=("too_many_streams",),
    parameters=(LAST_EVENT_ID,),
    description=(
        "As the events of one task, but the data of `snapshot` is a list of the 100 newest tasks, it does not end by itself, and "
        "after a cut something may be told twice. `gap`: too much has happened since; GET /tasks tells how older tasks stand."
    ),
)
read_usage = operation(
    "readUsage",
    "Read what was used",
    {200: ("One line for each group.", "Usage")},
    tag="account",
    parameters=(
        query("from", components.DAY, "The first day, in UTC; 29 days before `to` where absent."),
        query("to", components.DAY, "The last day, in UTC; today where absent."),
        query("by", {"type": "string", "default": "day", "examples": ["day,model"]}, f"What to tell apart: {', '.join(BY)}, by commas."),
    ),
    description="Tasks count on the day they were created.",
)
read_statement = operation(
    "readStatement",
    "Read a month of the ledger as CSV",
    {200: ("The statement, in UTF-8.", TABLE)},
    tag="account",
    parameters=(
        query("month", components.MONTH, "In UTC; the current one where absent."),
        header("Content-Disposition", "A name for the file.", on=(200,)),
    ),
    description=(
        "The columns are `time,kind,task,model,amount,balance,note`. The first row is the opening balance; then comes each entry with "
        "the balance after it, and the closing balance last: a file without that row was cut. A text that a spreadsheet would take for "
        "a formula begins with an apostrophe."
    ),
)
