"""Stored files to a signed-in operator: by the admin's own session and permission, without an API key or a signed link."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.decorators import display

from .. import content, ids
from ..models import File, Output
from ..storage import StorageAway
from .facts import FactsAdmin
from .pieces import lasted, size

# What a browser shows and cannot run. All else is downloaded: it may be a page, for all we know.
SHOWN = {
    **dict.fromkeys(("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"), "image"),
    **dict.fromkeys(("video/mp4", "video/webm", "video/quicktime"), "video"),
    **dict.fromkeys(("audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav"), "audio"),
}


def urls(screen: FactsAdmin, **contents: Callable[[Any], content.Content]) -> list[URLPattern]:
    """An address below each row of the screen for each of its `contents`; who may see the row may have the bytes."""
    opts = screen.model._meta
    return [
        path(
            f"<str:public_id>/{name}/",
            screen.admin_site.admin_view(require_safe(partial(_send, screen, content_of)), cacheable=True),
            name=f"{opts.app_label}_{opts.model_name}_{name}",
        )
        for name, content_of in contents.items()
    ]


@display(description=_("Preview"))
def preview(row: Output | File) -> str:
    return gallery([row])


@display(description=_("Measures"))
def measures(row: Output | File) -> str:
    """Width and height, seconds: what is known of them. A client's file has not been looked into."""
    found = []
    if getattr(row, "width", None):
        found.append(f"{row.width} × {row.height}")
    if getattr(row, "duration", None):
        found.append(lasted(timedelta(seconds=row.duration)))
    return " · ".join(found)


@display(description=_("Size"))
def kept(row: Output | File) -> str:
    return size(row.bytes)


def gallery(rows: Iterable[Output | File]) -> str:
    return figures(_figure(row) for row in rows)


def figures(shown: Iterable[dict[str, Any]]) -> str:
    return render_to_string("tasks_app/admin/figures.html", {"figures": list(shown)})


def figure(row: Output | File, *, name: str, url: str, thumbnail: str = "") -> dict[str, Any]:
    """What figures.html shows of a stored file: `shape` is image, video, audio, or empty for what is only to be downloaded."""
    facts = " · ".join(filter(None, (row.content_type, measures(row), kept(row))))
    return {"name": name, "shape": SHOWN.get(row.content_type, ""), "url": url, "thumbnail": thumbnail, "facts": facts}


def send(request, found: content.Content) -> HttpResponseBase:
    """The bytes to an operator who may have them."""
    try:
        answer = content.send(request, found, as_attachment=found.content_type not in SHOWN)
    except content.OutOfRange as fault:
        return HttpResponse(status=416, headers=fault.headers)
    except StorageAway:
        return HttpResponse("The storage does not answer; try again.", status=503, content_type="text/plain")
    answer["Cache-Control"] = "private, no-cache"  # who has lost the permission, or signed out, is to see nothing of it
    return answer


def _figure(row: Output | File) -> dict[str, Any]:
    url = reverse(f"admin:tasks_app_{row._meta.model_name}_content", args=[row])
    thumbnail = reverse("admin:tasks_app_output_thumbnail", args=[row]) if getattr(row, "thumbnail_key", "") else ""
    return figure(row, name=str(row), url=url, thumbnail=thumbnail)


def _send(screen: FactsAdmin, content_of: Callable[[Any], content.Content], request, public_id: str) -> HttpResponseBase:
    if not screen.has_view_permission(request):
        raise PermissionDenied
    row = screen.model.objects.filter(id=ids.parse(screen.prefix, public_id)).first()
    if row is None:
        raise Http404
    return send(request, content_of(row))
