"""`Authorization: Bearer dk_…` → the Caller, for DRF and for the OpenAPI schema."""

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from . import keys

UNKNOWN = "This API key is unknown or revoked: use another, or ask the operator for one."


class BearerAuthentication(BaseAuthentication):
    """Finds whom the key in the Authorization header belongs to; anything but a valid key is answered 401."""

    def authenticate(self, request):
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        caller = keys.find(key.strip(), now=timezone.now())
        if caller is None:
            raise AuthenticationFailed(UNKNOWN)
        return caller, None

    def authenticate_header(self, request):
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI schema describes it; drf-spectacular finds this class by itself."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "Bearer"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "An API key of your account: `Authorization: Bearer dk_…`."}
