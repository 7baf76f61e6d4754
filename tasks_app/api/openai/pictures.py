"""A task that makes pictures, as the Images object of OpenAI's API: with their bytes, or with links to them."""

import math
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.http import HttpResponseBase, StreamingHttpResponse

from ...models import Output
from ...render import dumps
from ...rows import Row
from ...storage import links, storage
from .. import problems
from ..answer import TYPE, Answer
from ..view import PRIVATE
from . import errors
from .shown import error, unix

BEFORE, AFTER = b'{"b64_json":"', b'","revised_prompt":null,"url":null}'


def finished(row: Row, *, as_links: bool) -> HttpResponseBase:
    """The pictures of a task that is over; raises Problem where there are none."""
    if failure := error(row):
        raise errors.Failed(failure["code"], failure["message"], failure["param"])
    outputs = list(Output.objects.filter(task_id=UUID(bytes=row.id), type="image").order_by("position"))
    return _linked(row, outputs) if as_links else _sent(row, outputs)


def _linked(row: Row, outputs: Sequence[Output]) -> Answer:
    """The links need no key, and live for a day."""
    data = [{"b64_json": None, "revised_prompt": None, "url": links.signed_url("output", output.id)} for output in outputs]
    return Answer(_about(row, outputs) | {"data": data}, headers=PRIVATE)


def _sent(row: Row, outputs: Sequence[Output]) -> StreamingHttpResponse:
    """Streamed, for ten large pictures in base64 are more than a web worker should hold."""
    sizes = [storage.size(output.key) for output in outputs]
    if None in sizes:
        raise problems.problem("not_found", "The pictures are no longer kept.")
    head = dumps(_about(row, outputs))[:-1] + b',"data":['
    length = len(head) + len(b"]}") + max(len(sizes) - 1, 0) + sum(len(BEFORE) + len(AFTER) + 4 * math.ceil(size / 3) for size in sizes)
    body = _json(head, outputs, sizes)
    return StreamingHttpResponse(body, content_type=TYPE, headers=PRIVATE | {"Content-Length": str(length)})


def _json(head: bytes, outputs: Sequence[Output], sizes: Sequence[int]) -> Iterator[bytes]:
    yield head
    for place, (output, size) in enumerate(zip(outputs, sizes, strict=True)):
        yield b"," * bool(place) + BEFORE
        yield from _base64(storage.open(output.key, 0, size))
        yield AFTER
    yield b"]}"


def _base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        whole = rest + piece
        end = len(whole) - len(whole) % 3
        rest = whole[end:]
        yield b64encode(whole[:end])
    yield b64encode(rest)


def _about(row: Row, outputs: Sequence[Output]) -> dict:
    first = outputs[0] if outputs else None
    return {
        "created": unix(row.finished_at),
        "background": None,
        "output_format": first and first.content_type.partition("/")[2],
        "quality": None,
        "size": f"{first.width}x{first.height}" if first and first.width else None,
        "usage": None,
    }
