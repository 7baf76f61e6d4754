"""What a client means by a picture → a reference as our inputs know it: `file_…`, `task_…/0` or an https URL.

It may upload the picture, send it as a data URL, or name it by `{"file_id"}`, `{"image_url"}` or the bare reference. Bytes become a
file of the account's, like one of POST /files; where no task comes of the request, that file goes again.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from ... import cleanup, ids
from ...models import File
from ...storage.media import NotMedia, content_type
from .. import files, uploads
from . import errors
from .body import Body

FORMS = ("file_id", "image_url")


@dataclass(slots=True)
class References:
    """`named` by the parameters that held them; `files` were made for them."""

    named: dict[str, list[str]] = field(default_factory=dict)
    files: list[File] = field(default_factory=list)

    def let_go(self) -> None:
        """No task came of them."""
        for file in self.files:
            cleanup.remove_file(file)


def taken(account_id: int, body: Body, params: Sequence[str]) -> References:
    """The references that stand in these parameters; raises Problem, also for a file under another name."""
    for name in body.files.keys() - set(params):
        raise errors.unknown(name, "No file is taken under this name.")
    found = References()
    try:
        for name in params:
            references = [_reference(account_id, name, one, found.files) for one in _given(body, name)]
            if references:
                found.named[name] = references
    except BaseException:
        found.let_go()
        raise
    return found


def _given(body: Body, name: str) -> Iterator[Any]:
    value = body.parameters.get(name)
    yield from value if isinstance(value, list) else [] if value is None else [value]
    yield from body.files.get(name, ())


def _reference(account_id: int, param: str, value: Any, made: list[File]) -> str:
    if isinstance(value, Mapping):
        value = _only_form(param, value)
    if isinstance(value, str) and value.startswith("data:"):
        value = _upload(param, value)
    if isinstance(value, UploadedFile):
        made.append(_kept(account_id, param, value))
        return ids.shown("file", made[-1].id)
    if not isinstance(value, str):
        raise errors.wrong(param, f"{param} must be a file, a reference, or an object with one of {', '.join(FORMS)}.")
    return value


def _only_form(param: str, value: Mapping[str, Any]) -> Any:
    if len(value) != 1 or not set(value) <= set(FORMS):
        raise errors.wrong(param, f"{param} must have exactly one of {', '.join(FORMS)}.")
    return next(iter(value.values()))


def _upload(param: str, url: str) -> UploadedFile:
    """The bytes of a data URL, as if they had been uploaded."""
    head, _, data = url.partition(",")
    try:
        if not head.endswith(";base64"):
            raise ValueError("it must be ;base64")
        content = b64decode(data, validate=True)
    except (NotBase64, ValueError) as fault:
        raise errors.wrong(param, f"The data URL cannot be read: {fault}.") from None
    file = uploads.on_disk()
    file.write(content)
    file.seek(0)
    return UploadedFile(file, "picture", size=len(content))


def _kept(account_id: int, param: str, upload: UploadedFile) -> File:
    with upload:
        try:
            type = content_type(Path(upload.file.name))
        except NotMedia as refused:
            raise errors.wrong(param, f"The file is refused: {refused}.", code="invalid_image_file") from None
        if not type.startswith("image/"):
            raise errors.wrong(param, f"{param} must be a picture, and this is {type}.", code="invalid_image_file")
        return files.keep(account_id, upload)
