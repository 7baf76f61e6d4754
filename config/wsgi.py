"""The web tier's entry: `gunicorn -c deploy/gunicorn.conf.py`.

A call to the API goes from its request to its view, and past all that Django's handler does for pages: middleware that lets such calls
by anyhow (config/middleware.py), signals, the thread's URL map and script prefix. That was a quarter of the function calls of
a GET of a task. What it answers is the same: tests/config/test_wsgi.py holds each of the API's calls against Django's own way.
"""

import os
from collections.abc import Iterable
from functools import cache

from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest, get_path_info
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, reset_queries
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()

from .middleware import API, RequestMiddleware  # noqa: E402 - reads the settings


class Call(WSGIRequest):
    """Django's request, without its search for a script's name in three places: the API lies at its host's root."""

    def __init__(self, environ):
        self.environ = self.META = environ
        self.path = self.path_info = get_path_info(environ)
        self.method = environ["REQUEST_METHOD"].upper()
        self._set_content_type_params(environ)
        length = environ.get("CONTENT_LENGTH", "")
        self._stream = LimitedStream(environ["wsgi.input"], int(length) if length.isdecimal() else 0)
        self._read_started = False
        self.resolver_match = None


def application(environ, start_response) -> Iterable[bytes]:
    if not environ["PATH_INFO"].startswith(API):
        return django(environ, start_response)
    response = api(Call(environ))
    response._handler_class = WSGIHandler  # who is told of, when it is closed
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.headers._store.values()))
    if getattr(response, "file_to_stream", None) is None or "wsgi.file_wrapper" not in environ:
        return response
    # The server closes the wrapper instead of the response, which has more to close than its file.
    response.file_to_stream.close = response.close
    return environ["wsgi.file_wrapper"](response.file_to_stream, response.block_size)


def view(request: HttpRequest) -> HttpResponse:
    path = request.path_info[len(API) :]
    request.resolver_match = match = next(filter(None, (pattern.resolve(path) for pattern in urls())))
    match.route = f"{API[1:]}{match.route}"  # as the whole map would have it
    return match.func(request, *match.args, **match.kwargs)


@cache
def urls() -> list[URLPattern]:
    """The API's part of the URL map, of which the last takes any path."""
    return next(part for part in get_resolver().url_patterns if f"/{part.pattern}" == API).url_patterns


api = RequestMiddleware(convert_exception_to_response(view))


def look_at_one_connection() -> None:
    """Have each request looked after by one look at the one database there is, in place of Django's at every database and cache, twice.

    Nor is the thread's URL map forgotten: there is one.

    For processes that do nothing but serve: whoever shares a connection between threads must not have it closed.
    """
    for receiver in (reset_queries, close_old_connections):
        request_started.disconnect(receiver)
    for receiver in (close_caches, close_old_connections, reset_urlconf):
        request_finished.disconnect(receiver)
    request_finished.connect(_keep_if_sound)


def _keep_if_sound(**_) -> None:
    connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()
