"""Bytes of ours to a client: ranges, entity tags, and headers that keep a hostile file from doing harm in a browser."""

import mimetypes
import re
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db.models import Model
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.permissions import IsAuthenticated

from ..engine.accept import Problem
from ..storage import links, storage
from . import problems, ranges
from .view import View, id_in

# A page or an SVG that somebody had made or uploaded may run nothing and load nothing, and is of no origin.
# 'self' is for the page that a browser makes around a lone picture or video.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'"
LINK_SECONDS = 3600
UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")


class KeyOrSignature(IsAuthenticated):
    """An API key, or a link that we signed: `?signature=`."""

    def has_permission(self, request, view) -> bool:
        return super().has_permission(request, view) or view.is_signed()


class ContentView(View):
    """An endpoint that sends bytes of an object, a `KIND`, that is kept in `TABLE`."""

    KIND: ClassVar[str]
    TABLE: ClassVar[type[Model]]
    PARAMETERS: ClassVar = ("signature",)

    permission_classes = (KeyOrSignature,)

    def refuse_other_forms(self, request):
        """The type is the file's own, so the Accept header is not asked."""

    def is_signed(self) -> bool:
        signature = self.request.GET.get("signature")
        return signature is not None and links.is_signed(self.KIND, self.id(), signature)

    def id(self) -> UUID:
        return id_in(self.KIND, self.kwargs["id"])

    def own(self) -> Any:
        """The object, if it is the caller's or the link to it is signed; raises Problem."""
        rows = self.TABLE.objects.filter(id=self.id())
        found = (rows if self.is_signed() else rows.filter(account_id=self.request.user.account_id)).first()
        if found is None:
            raise problems.missing()
        return found


class OutOfRange(Problem):
    """None of the bytes asked for exist."""

    def __init__(self, size: int):
        super().__init__(416, "range_not_satisfiable", f"The content has {size} bytes; the Range header asks for none of them.")
        self.headers = {"Content-Range": f"bytes */{size}"}


@dataclass(frozen=True, slots=True)
class Content:
    """A stored file as it is to be sent: `etag` with its quotes, `name` as a browser saves it."""

    key: str
    content_type: str
    etag: str
    name: str


def send(request, content: Content) -> HttpResponseBase:
    """The content, a range of it, 304 where the client has it, or a redirect to a link of the store's own.

    Raises Problem and Unreadable.
    """
    if settings.CONTENT == "redirect" and (link := _link(request, content)):
        return HttpResponseRedirect(link, headers={"Cache-Control": "private, no-cache"})
    size = storage.size(content.key)
    if size is None:
        raise problems.missing()
    headers = _headers(content)
    if content.etag in request.META.get("HTTP_IF_NONE_MATCH", ""):
        return HttpResponse(status=304, headers=headers)
    part = _range(request, content.etag, size)
    start, end = part or (0, size)
    headers |= {"Content-Length": str(end - start)}
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    body = () if request.method == "HEAD" else storage.open(content.key, start, end)
    return StreamingHttpResponse(body, status=206 if part else 200, headers=headers)


def name_of(id: str, content_type: str) -> str:
    """A file name for what has none: its id with the usual extension."""
    return id + (mimetypes.guess_extension(content_type) or "")


def _link(request, content: Content) -> str | None:
    """A link of the store's own for this very method, under the type and the name that we would send."""
    named = _named(content)
    return storage.sign(
        content.key,
        seconds=LINK_SECONDS,
        method=request.method,
        content_type=named["Content-Type"],
        disposition=named["Content-Disposition"],
    )


def _range(request, etag: str, size: int) -> tuple[int, int] | None:
    header = request.META.get("HTTP_RANGE")
    # If-Range: the client holds a part of another version, so only the whole is of use to it.
    if not header or request.META.get("HTTP_IF_RANGE", etag) != etag:
        return None
    try:
        return ranges.first(header, size)
    except ranges.Unsatisfiable:
        raise OutOfRange(size) from None


def _named(content: Content) -> dict[str, str]:
    name = UNSAFE.sub("_", content.name)
    is_text = content.content_type.startswith("text/")
    return {
        "Content-Type": content.content_type + ("; charset=utf-8" if is_text else ""),
        "Content-Disposition": content_disposition_header(as_attachment=False, filename=name) or "inline",
    }


def _headers(content: Content) -> dict[str, str]:
    return _named(content) | {
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": content.etag,
        "Cache-Control": "private, max-age=3600",
    }
