"""A request's body, JSON or multipart/form-data: parameters by name, and files, each on the disk as it came in."""

import re
from dataclasses import dataclass, field
from hashlib import file_digest, sha256
from itertools import chain
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from .. import json, uploads
from ..json import canonical
from ..uploads import read_form
from . import errors

STEP = re.compile(r"\[([^\[\]]*)\]")
DEEPEST = 8  # levels of a name such as a[b][c]


@dataclass(slots=True)
class Body:
    """`parameters` as they were sent, so all of them texts in a form; a JSON null is a parameter that was not sent."""

    parameters: dict[str, Any] = field(default_factory=dict)
    files: dict[str, list[UploadedFile]] = field(default_factory=dict)

    def close(self) -> None:
        for upload in chain.from_iterable(self.files.values()):
            upload.close()

    def digest(self, door: str) -> bytes:
        """The same for the same content at the same door."""
        files = {name: [_sha256(upload) for upload in them] for name, them in self.files.items()}
        return sha256(canonical({"door": door, "parameters": self.parameters, "files": files})).digest()


def of(request: Any) -> Body:
    """The body of a request; empty where it has none."""
    return request.data if isinstance(request.data, Body) else Body()


class JSONParser(json.JSONParser):
    def parse(self, stream, media_type=None, parser_context=None) -> Body:
        parameters = super().parse(stream, media_type, parser_context)
        if not isinstance(parameters, dict):
            raise errors.wrong("", "The body must be a JSON object.")
        return Body({name: value for name, value in parameters.items() if value is not None})


class FormParser(uploads.FormParser):
    def parse(self, stream, media_type=None, parser_context=None) -> Body:
        fields, files = read_form(stream, media_type, parser_context["request"])
        parameters: dict[str, Any] = {}
        for name, values in fields.lists():
            _put(parameters, name, values)
        return Body(parameters, {name.removesuffix("[]"): them for name, them in files.lists()})


def _put(parameters: dict[str, Any], name: str, values: list[str]) -> None:
    """Write `a[b][]` as the client means it: a list within an object."""
    steps = [name.partition("[")[0], *STEP.findall(name)]
    is_list = len(steps) > 1 and steps[-1] == ""
    *above, last = steps[:-1] if is_list else steps
    is_read = name == _name(steps) and "" not in (*above, last) and len(steps) <= DEEPEST
    place = parameters
    for step in above if is_read else ():
        below = place.setdefault(step, {})
        place = below if isinstance(below, dict) else {last: below}  # a text stands where an object should
    if not is_read or last in place or (len(values) > 1 and not is_list):
        raise errors.wrong(name[:100], f"The form's field {name[:100]!r} cannot be read, or was given twice.")
    place[last] = values if is_list else values[0]


def _name(steps: list[str]) -> str:
    return steps[0] + "".join(f"[{step}]" for step in steps[1:])


def _sha256(upload: UploadedFile) -> str:
    upload.seek(0)
    digest = file_digest(upload.file, "sha256").hexdigest()
    upload.seek(0)
    return digest
