"""The door for upstreams: POST or GET /hooks/{provider}/{secret}/{token} says that a job has news.

What is not an address of ours costs no query and no reading, and is the same 404 as an attempt that is gone. The secret stands in the
path, so no line may hold the path: RequestMiddleware hides it from Django's own, gunicorn writes none, and a proxy must not either.
"""

import logging

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from providers import hooks
from providers.outcomes import Callback

from .engine import callback
from .engine.clock import database_clock

log = logging.getLogger(__name__)

MOST_BYTES = 65_536  # of a body; a longer one is not read to its end, and says nothing


@csrf_exempt
@require_http_methods(["GET", "POST"])
def hook(request: HttpRequest, provider: str, secret: str, token: str) -> HttpResponse:
    if not hooks.is_ours(provider, secret, token):
        raise Http404
    try:
        heard = callback.came(token, _read(request), now=database_clock())
    except (OperationalError, InterfaceError) as fault:
        log.error("a callback of %s about %s could not be taken: the database does not answer (%s)", provider, token, type(fault).__name__)
        return HttpResponse(status=503, headers={"Retry-After": "5"})
    if heard is None:
        raise Http404
    log.info("%s called about %s", provider, token)
    return HttpResponse(status=204) if heard.answer is None else JsonResponse(dict(heard.answer))


def _read(request: HttpRequest) -> Callback:
    # A body without its length comes in chunks, whose end gunicorn knows and Django does not.
    in_chunks = "HTTP_TRANSFER_ENCODING" in request.META and request.META.get("wsgi.input_terminated")
    try:
        body = (request.META["wsgi.input"] if in_chunks else request).read(MOST_BYTES + 1)
    except UnreadablePostError:
        body = b""
    return Callback(query=request.GET.dict(), body=body if len(body) <= MOST_BYTES else b"")
