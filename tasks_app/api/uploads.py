"""What POST /files takes: a form with one file, or, as JSON, the wish to put one where it is kept. And forms with files, for others,
written to disk as they come in and refused as soon as they are too large.
"""

from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import QueryDict
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.datastructures import MultiValueDict
from rest_framework.parsers import BaseParser

from .. import direct_uploads
from ..engine.accept import Problem
from ..storage.drafts import DRAFTS
from . import orders, problems

NAME_LENGTH = 200
FORM_OVERHEAD = 64 * 1024  # bytes of boundaries and headers around the file


def limit() -> int:
    """The largest file taken, in bytes."""
    return settings.UPLOAD_LIMIT_MB * 1_000_000


def wanted(body: Any) -> dict[str, Any]:
    """The name and the length of what a body wants to put; raises Problem."""
    if faults := orders.faults_in(body, {"upload": _upload}, required=("upload",)):
        raise problems.invalid(faults)
    return {"name": body["upload"]["name"], "bytes": int(body["upload"]["bytes"])}


def _upload(value: Any) -> orders.Faults:
    if not isinstance(value, dict):
        yield "", "must be an object"
        return
    for field, message in orders.faults_in(value, {"name": _name, "bytes": _bytes}, required=("name", "bytes")):
        yield f".{field}", message


def _name(value: Any) -> orders.Faults:
    if not isinstance(value, str) or not 1 <= len(value) <= NAME_LENGTH:
        yield "", f"must be a string of 1 to {NAME_LENGTH} characters"


def _bytes(value: Any) -> orders.Faults:
    most = direct_uploads.limit()
    # JSON knows no whole numbers: 600.0 is one. True is none.
    if type(value) not in (int, float) or value % 1 or not 1 <= value <= most:
        yield "", f"must be a whole number from 1 to {most}"


class FormParser(BaseParser):
    """`request.data` becomes the uploaded file; raises Problem."""

    media_type = "multipart/form-data"

    def parse(self, stream, media_type=None, parser_context=None) -> UploadedFile:
        return _only_file(*read_form(stream, media_type, parser_context["request"]))


def read_form(stream, media_type: str, request) -> tuple[QueryDict, MultiValueDict]:
    """A form's texts and files, which are together no larger than one file may be; raises Problem."""
    meta = {**request.META, "CONTENT_TYPE": media_type}
    if int(meta.get("CONTENT_LENGTH") or 0) > limit() + FORM_OVERHEAD:
        raise _too_large()
    try:
        return MultiPartParser(meta, stream, [ToDisk()]).parse()
    except MultiPartParserError as fault:
        raise problems.problem("malformed_upload", f"The form cannot be read: {fault}") from None


def on_disk() -> IO[bytes]:
    """An empty file, gone when it is closed: beside the drafts of storage, for /tmp may well be memory, and swept like them if we die."""
    folder = settings.STORAGE_DIR / DRAFTS
    folder.mkdir(parents=True, exist_ok=True)
    return NamedTemporaryFile(dir=folder)


class ToDisk(FileUploadHandler):
    """Each file to one of its own; the view closes them."""

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        self._file, self._bytes = on_disk(), 0

    def receive_data_chunk(self, raw_data, start):
        self._bytes += len(raw_data)
        if self._bytes > limit():
            raise _too_large()
        self._file.write(raw_data)

    def file_complete(self, file_size):
        self._file.seek(0)
        return UploadedFile(self._file, self.file_name, size=file_size)


def _only_file(fields, files) -> UploadedFile:
    faults = [(name, "is not known here") for name in {*fields, *files} - {"file"}]
    if len(files.getlist("file")) != 1 or "file" in fields:
        faults.append(("file", "must be one file"))
    if faults:
        raise problems.invalid(faults)
    return files["file"]


def _too_large() -> Problem:
    return problems.problem("too_large", f"A file may have {settings.UPLOAD_LIMIT_MB} MB at most.")
