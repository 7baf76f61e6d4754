"""JSON to a client, by orjson and at once: there is one form, so nothing is negotiated or rendered later."""

from collections.abc import Collection, Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.exceptions import NotAcceptable
from rest_framework.renderers import BaseRenderer

from ..render import dumps

TYPE = "application/json"
NONE: Mapping[str, str] = {}
TAKES_JSON = ("*/*", "application/*", TYPE, "application/problem+json")


class Answer(HttpResponse):
    """A response whose body is `data`, JSON where that is bytes; without a body where it is None."""

    def __init__(self, data: Any = None, status: int = 200, *, headers: Mapping[str, str] = NONE, content_type: str = TYPE):
        body = b"" if data is None else data if isinstance(data, bytes) else dumps(data)
        super().__init__(body, content_type, status)
        # Fields of ours, of which Django would look at each letter. The server does so too, and refuses what would break the answer.
        fields = {**headers, "X-Content-Type-Options": "nosniff", "Content-Length": str(len(body))}
        if data is None:
            del self["Content-Type"], fields["Content-Length"]
        self.headers._store.update([(name.lower(), (name, value)) for name, value in fields.items()])


def refuse_other_forms(accept: str, *, form: str = TYPE, taken_by: Collection[str] = TAKES_JSON) -> None:
    """Raises NotAcceptable where an Accept header does not take the form that an answer has."""
    if not any(taken in accept for taken in taken_by):
        raise NotAcceptable(f"Answers are {form}, and the Accept header takes only {accept[:100]}.")


class JSONRenderer(BaseRenderer):
    """Stands for Answer in the OpenAPI schema."""

    media_type = TYPE
    format = "json"
