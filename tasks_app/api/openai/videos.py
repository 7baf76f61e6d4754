"""/v1/videos: create, list, read, delete, remix, and the bytes."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from ... import cleanup, content, ids, rows
from ...engine.accept import Accepted, Order
from ...models import Output
from .. import problems
from ..answer import Answer
from ..view import PRIVATE
from . import contract, errors, models, parameters, purchase, shown
from .parameters import Written
from .view import Call, own

KIND = "video.generate"
REFERENCE = "input_reference"
MEANINGS: Mapping[str, parameters.Meaning] = {
    "seconds": parameters.seconds,
    "size": parameters.video_size,
    REFERENCE: parameters.first_frame,
}
LIMIT, MOST = 20, 100
VARIANTS = ("video", "thumbnail", "spritesheet")


class Videos(Call):
    PARAMETERS: ClassVar = ("after", "limit", "order")

    @contract.create_video
    def post(self, request):
        return _accepted(purchase.one(request, "videos", _wanted, media=(REFERENCE,)))

    @contract.list_videos
    def get(self, request):
        limit, oldest_first = _limit(request.query_params), _is_oldest_first(request.query_params)
        where, params = "account_id = %s AND kind = %s", [request.user.account_id, KIND]
        if after := _after(request.query_params):
            where, params = f"{where} AND id {'>' if oldest_first else '<'} %s", [*params, after.bytes]
        found = rows.select(where, params, limit=limit + 1, oldest_first=oldest_first)
        page = [shown.video(row) for row in found[:limit]]
        first, last = (page[0]["id"], page[-1]["id"]) if page else (None, None)
        body = {"object": "list", "data": page, "first_id": first, "last_id": last, "has_more": len(found) > limit}
        return Answer(body, headers=PRIVATE)


class OneVideo(Call):
    @contract.read_video
    def get(self, request, id):
        row = own(request, id, KIND)
        return Answer(shown.video(row), headers=shown.headers(row))

    @contract.delete_video
    def delete(self, request, id):
        row = own(request, id, KIND)
        cleanup.remove(UUID(bytes=row.id), request.user.account_id)
        return Answer({"id": id, "object": "video.deleted", "deleted": True})


class Content(Call):
    PARAMETERS: ClassVar = ("variant",)

    @contract.video_content
    def get(self, request, id):
        variant, row = request.query_params.get("variant", "video"), own(request, id, KIND)
        if variant not in VARIANTS:
            raise errors.wrong("variant", f"variant must be one of {', '.join(VARIANTS)}.")
        output = _output(row)
        if variant == "spritesheet" or (variant == "thumbnail" and not output.thumbnail_key):
            raise errors.wrong("variant", f"This video has no {variant}.", status=404, code="not_found")
        return content.send(request, content.of_thumbnail(output) if variant == "thumbnail" else content.of_output(output))


class Remix(Call):
    @contract.remix_video
    def post(self, request, id):
        source = own(request, id, KIND)
        return _accepted(purchase.one(request, f"videos/{id}/remix", lambda given, _: _remixed(source, given)))


def _wanted(given: Mapping[str, Any], references: Mapping[str, list[str]]) -> tuple[Order, Written]:
    model = models.asked_for(given, KIND)
    written = parameters.written(model, given, references, MEANINGS)
    return Order(model=model.name, input=written.input), written


def _remixed(source: rows.Row, given: Mapping[str, Any]) -> tuple[Order, Written]:
    """The same once more, with another prompt and the video itself as an input."""
    if "prompt" not in given:
        raise errors.missing("prompt")
    for name in given.keys() - {"prompt"}:
        raise errors.unknown(name, "A remix takes a prompt, and all else from its video.")
    model, output = models.offered(source.model, KIND), _output(source)
    if "video" not in model.schema["properties"]:
        raise errors.wrong("id", f"{model.name} makes no remixes: it takes no video as an input.", code="unsupported_operation")
    reference = f"{ids.shown('task', source.id)}/{output.position}"
    written = Written()
    written.put("prompt", shown.loaded(source.input) | {"prompt": given["prompt"], "video": reference})
    return Order(model=model.name, input=written.input), written


def _accepted(accepted: Accepted) -> Answer:
    row = rows.of(accepted.task)
    replayed = {"Idempotent-Replayed": "true"} if accepted.replayed else {}
    return Answer(shown.video(row), headers=shown.headers(row) | replayed)


def _output(row: rows.Row) -> Output:
    """The video itself; raises Problem where there is none, or none yet."""
    if row.status != "succeeded":
        state = "failed" if shown.error(row) else "is not ready yet"
        raise problems.problem("not_found", f"The video {state}; GET /v1/videos/{ids.shown('task', row.id)} tells more.")
    output = Output.objects.filter(task_id=UUID(bytes=row.id), type="video").order_by("position").first()
    if output is None:
        raise problems.problem("not_found", "The task made no video.")
    return output


def _limit(params: Mapping[str, str]) -> int:
    text = params.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= MOST):
        raise errors.wrong("limit", f"limit must be a whole number from 0 to {MOST}.")
    return int(text)


def _is_oldest_first(params: Mapping[str, str]) -> bool:
    order = params.get("order", "desc")
    if order not in ("asc", "desc"):
        raise errors.wrong("order", "order must be asc or desc.")
    return order == "asc"


def _after(params: Mapping[str, str]) -> UUID | None:
    if "after" not in params:
        return None
    after = ids.parse("task", params["after"])
    if after is None:
        raise errors.wrong("after", "after must be the id of a video.")
    return after
