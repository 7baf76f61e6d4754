"""What wraps every request: its id, echoed to the client and carried by each log line, and one access line.

And Django's own middleware, past which calls to the API go: it is for pages with sessions, forms and static files, and cost
each call 0.1 ms of CPU.
"""

import logging
import re
import time

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from django_otp.middleware import OTPMiddleware
from whitenoise.middleware import WhiteNoiseMiddleware

from providers import hooks
from tasks_app import context, ids, metrics

API, OPENAI = "/api/v1/", "/v1/"
CALLS = (API, OPENAI)
NO_PAGES = (*CALLS, hooks.PATH)
SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

access = logging.getLogger("access")


class RequestMiddleware:
    """Takes the client's X-Request-ID where it is sane, else makes one; logs each request to the API once it is answered."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request_id = _request_id(request.META.get("HTTP_X_REQUEST_ID", ""))
        started = time.perf_counter()
        if request.path_info.startswith(hooks.PATH):
            # A secret stands in it, and Django writes `path` into its lines of what failed; views are found by `path_info`.
            request.path = hooks.PATH
        with context.about(context.request_id, request_id):
            response = self.get_response(request)
            seconds = time.perf_counter() - started
            metrics.answered(request.method, _route(request), response.status_code, seconds)
            if request.path_info.startswith(("/api/", OPENAI)):
                log(request.method, request.path_info, response.status_code, seconds=seconds, account_id=_account_id(request))
        response["X-Request-ID"] = request_id
        return response


def log(method: str, path: str, status: int, *, seconds: float, account_id: int | None) -> None:
    """The access line. The query is left out: it may hold what a client's users typed."""
    facts = {"method": method, "path": path, "status": status, "ms": round(seconds * 1000, 1), "account_id": account_id}
    access.info("%s %s %s", method, path, status, extra=facts)


def _request_id(given: str) -> str:
    return given if SANE_ID.fullmatch(given) else ids.shown("req", ids.fresh())


def _route(request) -> str:
    """As the URL map writes it; empty for what it does not have."""
    return request.resolver_match.route if request.resolver_match else ""


def _account_id(request) -> int | None:
    """The account that DRF found; Django's own lazy user stays asleep, for waking it may read the session's table."""
    user = request.__dict__.get("user")
    return None if isinstance(user, SimpleLazyObject) else getattr(user, "account_id", None)


class PagesOnly:
    """Mixed into a middleware, it lets calls to the API and those of upstreams pass by."""

    def __call__(self, request):
        return self.get_response(request) if request.path_info.startswith(NO_PAGES) else super().__call__(request)


class Security(PagesOnly, SecurityMiddleware):
    pass


class StaticFiles(PagesOnly, WhiteNoiseMiddleware):
    pass


class Sessions(PagesOnly, SessionMiddleware):
    pass


class Language(PagesOnly, LocaleMiddleware):
    """As the operator chose, or as the browser wishes; calls to the API, the next on this thread among them, know but English."""

    def __call__(self, request):
        try:
            return super().__call__(request)
        finally:
            translation.deactivate()


class Common(PagesOnly, CommonMiddleware):
    pass


class Csrf(PagesOnly, CsrfViewMiddleware):
    pass


class Operators(PagesOnly, AuthenticationMiddleware):
    pass


class SecondFactor(PagesOnly, OTPMiddleware):
    pass


class Messages(PagesOnly, MessageMiddleware):
    pass


class Frames(PagesOnly, XFrameOptionsMiddleware):
    pass
