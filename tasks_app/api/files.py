"""Files: what a client uploads to be used as an input."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from .. import cleanup, content, ids
from ..models import File
from ..render import BASE
from ..storage import Stored, Unwritable, storage
from ..storage.media import NotMedia, content_type
from . import contract, orders, problems, uploads
from .answer import Answer
from .content import ContentView
from .view import View, id_in

PIECE = 256 * 1024
NAME_LENGTH = 200


class Files(View):
    parser_classes = (uploads.FormParser,)

    @contract.upload
    def post(self, request):
        with request.data as upload:
            file = _kept(request.user.account_id, upload)
        return Answer(_shown(file), 201, headers={"Location": _url(file)})


class OneFile(View):
    @contract.read_file
    def get(self, request, id):
        return Answer(_shown(_own(request.user.account_id, id_in("file", id))))

    @contract.delete_file
    def delete(self, request, id):
        orders.nothing(request.data)
        if not cleanup.remove_file(_own(request.user.account_id, id_in("file", id))):
            raise problems.problem("not_deletable", "A task that is not over names this file: cancel it or wait for its end.")
        return Answer(status=204)


class FileContent(ContentView):
    KIND, TABLE = "file", File

    @contract.file_content
    def get(self, request, id):
        return content.send(request, content.of_file(self.own()))


def _kept(account_id: int, upload: UploadedFile) -> File:
    """Stored first, then its row: a row never points to a file that is not whole."""
    id, type = ids.new(), _type_of(upload)
    stored = _stored(f"files/{ids.shown('file', id)}", upload, type)
    return File.objects.create(
        id=id,
        account_id=account_id,
        name=(upload.name or "file")[-NAME_LENGTH:],
        content_type=type,
        bytes=stored.bytes,
        sha256=stored.sha256,
        key=stored.key,
        created_at=timezone.now(),
    )


def _type_of(upload: UploadedFile) -> str:
    try:
        return content_type(Path(upload.file.name))
    except NotMedia as refused:
        raise problems.problem("unsupported_media_type", f"The file is refused: {refused}.") from None


def _stored(key: str, upload: UploadedFile, type: str) -> Stored:
    try:
        return async_to_sync(storage.put)(key, _pieces(upload), content_type=type, limit=uploads.limit())
    except Unwritable:
        raise problems.problem("unavailable", "The storage takes no files now; try again later.") from None


async def _pieces(upload: UploadedFile) -> AsyncIterator[bytes]:
    for piece in upload.chunks(PIECE):
        yield piece


def _own(account_id: int, file_id: UUID) -> File:
    file = File.objects.filter(account_id=account_id, id=file_id).first()
    if file is None:
        raise problems.missing()
    return file


def _shown(file: File) -> dict:
    keep = settings.FILE_KEEP_DAYS
    return {
        "id": ids.shown("file", file.id),
        "object": "file",
        "name": file.name,
        "url": f"{_url(file)}/content",
        "content_type": file.content_type,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "created_at": file.created_at,
        "expires_at": file.created_at + timedelta(days=keep) if keep else None,
    }


def _url(file: File) -> str:
    return f"{BASE}/files/{ids.shown('file', file.id)}"
