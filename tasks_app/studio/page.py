"""GET /studio/: one page, which says whether its browser is signed in and names what else to load."""

from pathlib import Path

from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import sessions

STATIC = Path(__file__).resolve().parents[1] / "static"
# What the first page does without; the rest is named in the page, so that a browser fetches all at once and not import by import.
LATER = {
    "early.js",
    "sign-in.js",
    "viewer.js",
    "history.js",
    "filters.js",
    "usage.js",
    "keys.js",
    "webhooks.js",
    "plain-form.js",
    "upload.js",
    "clips.js",
    "options.js",
    "motion.js",
}
SHEETS = [f"studio/{name}.css" for name in ("look", "frame", "models", "form", "shelf", "wall", "viewer", "pages")]
MODULES = [str(file.relative_to(STATIC)) for file in sorted(STATIC.glob("studio/*.js")) if file.name not in LATER]


@require_safe
def page(request):
    is_signed_in = sessions.find(request.COOKIES, now=timezone.now()) is not None
    answer = render(request, "tasks_app/studio.html", {"is_signed_in": is_signed_in, "sheets": SHEETS, "modules": MODULES})
    answer["Cache-Control"] = "private, no-cache"
    return answer


@require_safe
def to_page(request):
    return redirect("studio")
