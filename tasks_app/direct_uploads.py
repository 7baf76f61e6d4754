"""Direct uploads: a client puts the bytes of a file where the store takes them, past our web tier, and has them looked at then.

begin     a place for so many bytes, and a link that takes exactly these: the store's, or ours where it has none
receive   what is put at our link
complete  what was put, copied to where no link leads, looked at there, and a File from then on

The copy is why a file never changes: the link holds on for a while, and whoever has it may put other bytes to the place that it leads to.
Each completion makes a copy of its own, so that of two at once one wins whole; the other's is deleted.
"""

import secrets
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import file_digest
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from . import ids
from .models import File, Upload
from .storage import NoLink, links, media, sniff, storage

MB = 1_000_000
LINK_LIVES = timedelta(hours=1)  # to begin within; what is begun may go on
LIVES = timedelta(days=1)  # to be completed within


class NotThere(Exception):
    """Nothing was put yet, or not all of it; the text says how much."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload and its link: `url` takes one PUT of exactly so many bytes, as long as it is begun before `expires_at`."""

    upload: Upload
    url: str
    expires_at: datetime


def begin(account_id: int, *, name: str, bytes: int, now: datetime) -> Begun:
    """Begin an upload; one that is never put costs nothing (cleanup.py). Raises NoLink."""
    id = ids.new()
    upload = Upload(id=id, account_id=account_id, name=name, bytes=bytes, key=f"uploads/{ids.shown('file', id)}", created_at=now)
    url = _link(upload)
    upload.save(force_insert=True)
    return Begun(upload, url, now + LINK_LIVES)


def limit() -> int:
    """The largest file that may be put, in bytes: where it comes through our web tier, no larger than one in a form."""
    is_past_us = settings.STORAGE == "cos" and not settings.COS_TOKEN  # as cos.sign_put
    return MB * (settings.DIRECT_UPLOAD_LIMIT_MB if is_past_us else settings.UPLOAD_LIMIT_MB)


def opened(id: UUID, signature: str) -> Upload | None:
    """The upload that our link leads to; None where it is no link of ours, too old, or its upload is over."""
    if not links.opens_upload(id, signature, lives=LINK_LIVES):
        return None
    return Upload.objects.filter(id=id).first()


async def receive(upload: Upload, chunks: AsyncIterable[bytes]) -> None:
    """Keep what is put at our link, in place of what was put before. Raises NotThere where it is not all of it, and as storage.put."""
    async with storage.draft() as draft:
        await draft.fill(chunks, limit=upload.bytes)
        if draft.bytes < upload.bytes:
            raise NotThere(f"{draft.bytes} of {upload.bytes} bytes came.")
        await storage.keep(draft, upload.key, content_type="")


def complete(account_id: int, id: UUID, *, now: datetime) -> File:
    """The file that was put; the same one when asked again. Raises Upload.DoesNotExist, NotThere, NotMedia and StorageAway."""
    if file := _file(account_id, id):
        return file
    try:
        # Not later than it lives, whenever it is swept: what lies without a row for longer is taken for a stray.
        _complete(Upload.objects.get(account_id=account_id, id=id, created_at__gt=now - LIVES), now)
    except (Upload.DoesNotExist, NotThere):
        if file := _file(account_id, id):  # another completion was faster
            return file
        raise
    return File.objects.get(account_id=account_id, id=id)


def forget(uploads: Sequence[Upload]) -> None:
    """Remove uploads with what was put; bytes first, so that what is cut short is found again."""
    storage.delete(*(upload.key for upload in uploads))
    Upload.objects.filter(id__in=[upload.id for upload in uploads]).delete()


def _link(upload: Upload) -> str:
    """The store's; ours where it has none, or none to give now and the file may as well come through us. Raises NoLink."""
    try:
        url = storage.sign_put(upload.key, bytes=upload.bytes, seconds=int(LINK_LIVES.total_seconds()))
    except NoLink:
        if upload.bytes > MB * settings.UPLOAD_LIMIT_MB:
            raise
        url = None
    return url or links.upload_url(upload.id)


def _file(account_id: int, id: UUID) -> File | None:
    return File.objects.filter(account_id=account_id, id=id).first()


def _complete(upload: Upload, now: datetime) -> None:
    key = f"files/{ids.shown('file', upload.id)}/{secrets.token_hex(4)}"
    try:
        storage.copy(upload.key, key)
    except FileNotFoundError:
        raise NotThere(f"None of the {upload.bytes} bytes were put yet.") from None
    try:
        file = _looked_at(upload, key, now)
        with transaction.atomic():
            file.save(force_insert=True)
    except IntegrityError:  # another completion was faster
        storage.delete(key)
    except BaseException:
        storage.delete(key)
        raise
    forget([upload])


def _looked_at(upload: Upload, key: str, now: datetime) -> File:
    """The file, by what lies under `key` for good."""
    size = storage.size(key)
    if size != upload.bytes:
        raise NotThere(f"{size} of {upload.bytes} bytes were put.")
    head = b"".join(storage.open(key, 0, sniff.HEAD))
    content_type = media.told_by(head, is_whole=size <= sniff.HEAD)
    return File(
        id=upload.id,
        account_id=upload.account_id,
        name=upload.name,
        content_type=content_type,
        bytes=size,
        sha256=_hash(key),
        key=key,
        created_at=now,
    )


def _hash(key: str) -> str:
    """Of what lies on this machine. What lies in a bucket is not fetched for it: such uploads are there to keep it away from here."""
    place = storage.path(key)
    if place is None:
        return ""
    with place.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
