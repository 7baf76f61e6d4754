"""multipart/form-data with one file, written to disk as it comes in and refused as soon as it is too large."""

from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.parsers import BaseParser

from ..engine.accept import Problem
from ..storage.drafts import DRAFTS
from . import problems

FORM_OVERHEAD = 64 * 1024  # bytes of boundaries and headers around the file


def limit() -> int:
    """The largest file taken, in bytes."""
    return settings.UPLOAD_LIMIT_MB * 1_000_000


class FormParser(BaseParser):
    """`request.data` becomes the uploaded file; raises Problem."""

    media_type = "multipart/form-data"

    def parse(self, stream, media_type=None, parser_context=None) -> UploadedFile:
        meta = {**parser_context["request"].META, "CONTENT_TYPE": media_type}
        if int(meta.get("CONTENT_LENGTH") or 0) > limit() + FORM_OVERHEAD:
            raise _too_large()
        try:
            fields, files = MultiPartParser(meta, stream, [ToDisk()]).parse()
        except MultiPartParserError as fault:
            raise problems.problem("malformed_upload", f"The form cannot be read: {fault}") from None
        return _only_file(fields, files)


class ToDisk(FileUploadHandler):
    """Writes beside the drafts of storage: on its disk (/tmp may well be memory), and swept like them if this process dies."""

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        folder = settings.STORAGE_DIR / DRAFTS
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self._bytes = NamedTemporaryFile(dir=folder), 0  # noqa: SIM115 - the view closes it

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
