"""`Authorization: Bearer dk_…`, or a browser's session → the Caller, for DRF and for the OpenAPI schema."""

from datetime import datetime

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied

from . import keys, sessions
from .addresses import client_address
from .keys import Caller
from .scopes import READS, ForbiddenByKey, Scope

UNKNOWN = "This API key is unknown or revoked: use another, or ask the operator for one."
EXPIRED = "This API key has expired: use another, or ask the operator for one."


class BearerAuthentication(BaseAuthentication):
    """Finds whom the key in the Authorization header belongs to; anything but a valid key is answered 401.

    A key that may not be used for this request, or from there, is answered 403. Without a key, a session of the studio counts
    (sessions.py), of which the OpenAPI schema says nothing: it is no way for programs.
    """

    def authenticate(self, request):
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            caller = _in_session(request)
            return caller and (caller, None)
        now = timezone.now()
        caller = keys.find(key.strip(), now=now)
        if caller is None:
            raise AuthenticationFailed(UNKNOWN)
        if caller.scope:
            refuse(caller.scope, request, now, method=request.method)
        return caller, None

    def authenticate_header(self, request):
        return "Bearer"


def _in_session(request) -> Caller | None:
    now = timezone.now()
    caller = sessions.find(request.COOKIES, now=now)
    if caller is None:
        return None
    if request.method not in READS:
        sessions.refuse_other_pages(request.META)
    if caller.scope:
        refuse(caller.scope, request, now, method=request.method)
    return caller


def refuse(scope: Scope, request, now: datetime, *, method: str) -> None:
    """Raises what this key is answered where it is not taken any more, not for this method, or not from there."""
    if scope.has_expired(now):
        raise AuthenticationFailed(EXPIRED)
    try:
        scope.refuse_request(method, client_address(request.META))
    except ForbiddenByKey as forbidden:
        raise PermissionDenied(str(forbidden)) from None


class BearerScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI schema describes it; drf-spectacular finds this class by itself."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "An API key of your account: `Authorization: Bearer dk_…`."}
