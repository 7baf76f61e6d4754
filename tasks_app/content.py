"""A stored file as an HTTP answer: ranges, entity tags, and headers that keep a hostile file from doing harm in a browser.

Both HTTP doors send by it, the API and the admin; each says first who may have the file.
"""

import mimetypes
import re
from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.http import content_disposition_header

from . import ranges
from .ids import shown
from .models import File, Output
from .storage import storage

# A page or an SVG that somebody had made or uploaded may run nothing and load nothing, and is of no origin.
# 'self' is for the page that a browser makes around a lone picture or video.
SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; media-src 'self'"
LINK_SECONDS = 3600
UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\]")


class OutOfRange(Exception):
    """None of the bytes asked for exist; an answer to it has `headers`."""

    def __init__(self, size: int):
        super().__init__(f"The content has {size} bytes; the Range header asks for none of them.")
        self.headers = {"Content-Range": f"bytes */{size}"}


@dataclass(frozen=True, slots=True)
class Content:
    """A stored file as it is to be sent: `etag` with its quotes, `name` as a browser saves it."""

    key: str
    content_type: str
    etag: str
    name: str


def of_output(output: Output) -> Content:
    name = shown("output", output.id) + _extension(output.content_type)
    return Content(output.key, output.content_type, f'"{output.sha256}"', name)


def of_thumbnail(output: Output) -> Content:
    """The output's small picture; raises Http404 where it has none."""
    if not output.thumbnail_key:
        raise Http404
    # The picture is made from the output alone, so the output's hash tells its versions apart too.
    return Content(output.thumbnail_key, "image/webp", f'"{output.sha256}-thumbnail"', shown("output", output.id) + ".webp")


def of_file(file: File) -> Content:
    # What a file holds never changes, so where nobody has hashed it its id will do.
    return Content(file.key, file.content_type, f'"{file.sha256 or shown("file", file.id)}"', file.name)


def send(request, content: Content, *, as_attachment: bool = False) -> HttpResponseBase:
    """The content, a range of it, 304 where the client has it, or a redirect to a link of the store's own.

    Raises Http404 for what is gone from the store, OutOfRange and Unreadable.
    """
    named = _named(content, as_attachment)
    if settings.CONTENT == "redirect" and (link := _link(request, content.key, named)):
        return HttpResponseRedirect(link, headers={"Cache-Control": "private, no-cache"})
    size = storage.size(content.key)
    if size is None:
        raise Http404
    headers = _headers(content, named)
    if content.etag in request.META.get("HTTP_IF_NONE_MATCH", ""):
        return HttpResponse(status=304, headers=headers)
    part = _range(request, content.etag, size)
    start, end = part or (0, size)
    headers |= {"Content-Length": str(end - start)}
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    body = () if request.method == "HEAD" else storage.open(content.key, start, end)
    return StreamingHttpResponse(body, status=206 if part else 200, headers=headers)


def _extension(content_type: str) -> str:
    return mimetypes.guess_extension(content_type) or ""


def _named(content: Content, as_attachment: bool) -> dict[str, str]:
    name = UNSAFE.sub("_", content.name)
    is_text = content.content_type.startswith("text/")
    return {
        "Content-Type": content.content_type + ("; charset=utf-8" if is_text else ""),
        "Content-Disposition": content_disposition_header(as_attachment=as_attachment, filename=name) or "inline",
    }


def _link(request, key: str, named: dict[str, str]) -> str | None:
    """A link of the store's own for this very method, under the type and the name that we would send."""
    return storage.sign(
        key, seconds=LINK_SECONDS, method=request.method, content_type=named["Content-Type"], disposition=named["Content-Disposition"]
    )


def _headers(content: Content, named: dict[str, str]) -> dict[str, str]:
    return named | {
        "Content-Security-Policy": SANDBOX,
        "X-Content-Type-Options": "nosniff",
        "Accept-Ranges": "bytes",
        "ETag": content.etag,
        "Cache-Control": "private, max-age=3600",
    }


def _range(request, etag: str, size: int) -> tuple[int, int] | None:
    header = request.META.get("HTTP_RANGE")
    # If-Range: the client holds a part of another version, so only the whole is of use to it.
    if not header or request.META.get("HTTP_IF_RANGE", etag) != etag:
        return None
    try:
        return ranges.first(header, size)
    except ranges.Unsatisfiable:
        raise OutOfRange(size) from None
