"""Files: what a client uploads to be used as an input, as a form, or straight to where files are kept."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from .. import cleanup, content, direct_uploads, ids
from ..engine.accept import Problem
from ..models import File, Upload
from ..render import BASE
from ..storage import Stored, Unwritable, storage
from ..storage.media import NotMedia, content_type
from . import contract, orders, problems, uploads
from .answer import Answer
from .content import ContentView
from .json import JSONParser
from .view import View, id_in

PIECE = 256 * 1024


class Files(View):
    parser_classes = (uploads.FormParser, JSONParser)

    @contract.upload
    def post(self, request):
        account_id, body = request.user.account_id, request.data
        if not isinstance(body, UploadedFile):
            begun = direct_uploads.begin(account_id, **uploads.wanted(body), now=timezone.now())
            return Answer(_begun(begun), 201, headers={"Location": _url(begun.upload.id)})
        with body as upload:
            file = keep(account_id, upload)
        return Answer(_shown(file), 201, headers={"Location": _url(file.id)})


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


class Complete(View):
    @contract.complete_upload
    def post(self, request, id):
        orders.nothing(request.data)
        try:
            file = direct_uploads.complete(request.user.account_id, id_in("file", id), now=timezone.now())
        except Upload.DoesNotExist:
            raise problems.missing() from None
        except direct_uploads.NotThere as fault:
            raise problems.problem("not_uploaded", f"{fault} Put them first.") from None
        except NotMedia as refused:
            raise _no_media(refused) from None
        return Answer(_shown(file))


class FileContent(ContentView):
    KIND, TABLE = "file", File

    @contract.file_content
    def get(self, request, id):
        return content.send(request, content.of_file(self.own()))


def keep(account_id: int, upload: UploadedFile) -> File:
    """Make a file of the account of what was uploaded; raises Problem. Stored first, then its row: no row points to half a file."""
    id, type = ids.new(), _type_of(upload)
    stored = _stored(f"files/{ids.shown('file', id)}", upload, type)
    return File.objects.create(
        id=id,
        account_id=account_id,
        name=(upload.name or "file")[-uploads.NAME_LENGTH :],
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
        raise _no_media(refused) from None


def _no_media(refused: NotMedia) -> Problem:
    return problems.problem("unsupported_media_type", f"The file is refused: {refused}.")


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
        "url": f"{_url(file.id)}/content",
        "content_type": file.content_type,
        "bytes": file.bytes,
        "sha256": file.sha256 or None,
        "created_at": file.created_at,
        "expires_at": file.created_at + timedelta(days=keep) if keep else None,
    }


def _begun(begun: direct_uploads.Begun) -> dict:
    upload = begun.upload
    return {
        "id": ids.shown("file", upload.id),
        "object": "upload",
        "name": upload.name,
        "bytes": upload.bytes,
        "method": "PUT",
        "url": begun.url,
        "headers": {"Content-Length": str(upload.bytes)},
        "expires_at": begun.expires_at,
        "complete_url": f"{_url(upload.id)}/complete",
    }


def _url(id: UUID) -> str:
    return f"{BASE}/files/{ids.shown('file', id)}"
