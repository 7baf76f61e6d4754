"""/v1/images: generations and edits. Their answer is the pictures, where these are done in time; else where to ask for them.

The views answer at once. Whoever can wait goes on by what is left of the request: `rest` of the answer, and `later`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponseBase
from django.utils import timezone

from ... import context, ids, render, rows
from ...engine.accept import Order
from .. import problems
from ..answer import Answer
from . import body, contract, errors, models, parameters, pictures, purchase, shown
from .parameters import Written
from .view import Call, own
from .waiting import Rest

KIND = "image.generate"
MEDIA = ("image", "images", "mask")
MEANINGS: Mapping[str, parameters.Meaning] = {
    "image": parameters.images,
    "images": parameters.images,
    "mask": parameters.mask,
    "n": parameters.count,
    "size": parameters.image_size,
}
FORMAT, FORMATS = "response_format", ("b64_json", "url")
STREAM = ("stream", "partial_images")
END_USER = ("safety_identifier", "user")  # the first that says something
ASIDE = (FORMAT, *STREAM, *END_USER)  # of which a model is told nothing
END_USER_LENGTH = 128
ASYNC = "respond-async"  # RFC 7240


class Generations(Call):
    DOOR: ClassVar = "images/generations"

    @contract.generate_images
    def post(self, request):
        form = _form(body.of(request).parameters)
        accepted = purchase.one(request, self.DOOR, _wanted, media=MEDIA)
        row = rows.of(accepted.task)
        answer = _answer(row, form)
        if not shown.is_over(row) and not _is_async(request):
            answer.rest = Rest(request.user.account_id, accepted.task.id, form)
        if accepted.replayed:
            answer["Idempotent-Replayed"] = "true"
        return answer


class Edits(Generations):
    DOOR = "images/edits"

    @contract.edit_images
    def post(self, request):
        content = body.of(request)
        if not any(name in given for name in ("image", "images") for given in (content.parameters, content.files)):
            raise errors.missing("image")
        return super().post(request)


class OneAnswer(Call):
    """The pictures of a task, for who did not wait for them."""

    PARAMETERS: ClassVar = (FORMAT,)

    @contract.read_images
    def get(self, request, id):
        return _answer(own(request, id, KIND), _form(request.query_params))


def later(rest: Rest) -> HttpResponseBase:
    """What the client that waited is answered, as the view would have answered it now."""
    with context.about(context.request_id, rest.headers.get("X-Request-ID", "")):
        try:
            answer = _answer_now(rest)
        except Exception as fault:  # noqa: BLE001 a door: what it was is judged, and told in the envelope
            answer = errors.handle(fault, {})
    for name, value in rest.headers.items():
        answer.headers.setdefault(name, value)
    return answer


def _answer_now(rest: Rest) -> HttpResponseBase:
    row = rows.find(rest.account_id, rest.task_id)
    if row is None:
        raise problems.problem("not_found", "The pictures were deleted while you waited.")
    return _answer(row, rest.form)


def _wanted(given: Mapping[str, Any], references: Mapping[str, list[str]]) -> tuple[Order, Written]:
    model = models.asked_for(given, KIND)
    if given.get("stream") in (True, "true"):
        raise errors.wrong("stream", "Pictures are not streamed here: leave stream out.", code="unsupported_operation")
    for_the_model = {name: value for name, value in given.items() if name not in ASIDE}
    written = parameters.written(model, for_the_model, references, MEANINGS)
    return Order(model=model.name, input=written.input, end_user=_end_user(given)), written


def _end_user(given: Mapping[str, Any]) -> str:
    param = next((name for name in END_USER if given.get(name)), END_USER[0])
    found = given.get(param) or ""
    if not isinstance(found, str) or len(found) > END_USER_LENGTH:
        raise errors.wrong(param, f"{param} must be a string of at most {END_USER_LENGTH} characters.")
    return found


def _form(given: Mapping[str, Any]) -> str:
    found = given.get(FORMAT, FORMATS[0])
    if found not in FORMATS:
        raise errors.wrong(FORMAT, f"{FORMAT} must be one of {', '.join(FORMATS)}.")
    return found


def _is_async(request: Any) -> bool:
    return ASYNC in (word.partition(";")[0].strip().lower() for word in request.META.get("HTTP_PREFER", "").split(","))


def _answer(row: rows.Row, form: str) -> HttpResponseBase:
    return pictures.finished(row, as_links=form == "url") if shown.is_over(row) else _pending(row, form)


def _pending(row: rows.Row, form: str) -> Answer:
    """202: the task, and where its pictures will be. The client reads it as an answer without pictures."""
    url = f"{settings.PUBLIC_URL}/v1/images/{ids.shown('task', row.id)}?{FORMAT}={form}"
    headers = shown.headers(row)
    told = {
        "created": shown.unix(row.created_at),
        "data": None,
        "message": "The pictures are not done yet: ask for them at `url`, as the header openai-poll-after-ms says.",
        "url": url,
        "task": render.task(row, now=timezone.now()),
    }
    return Answer(told, 202, headers=headers | {"Location": url})
