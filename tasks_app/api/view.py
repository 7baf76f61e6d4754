"""What every endpoint shares: JSON in and out, problems, and no parameter that it does not know."""

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any, ClassVar
from uuid import UUID

from django.http import QueryDict
from rest_framework.exceptions import NotAuthenticated
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import limits
from accounts.scopes import READS

from ..ids import parse
from . import filters, problems
from .answer import Answer, JSONRenderer, refuse_other_forms
from .json import JSONParser

WITH_PARAMETERS = ("GET", "HEAD", "PUT")
NEGOTIATOR = DefaultContentNegotiation()  # of what is sent to us; there is one form of answers
# What changes under its reader and is the account's own: never shared, never shown without asking whether it is still so.
PRIVATE = {"Cache-Control": "private, no-cache"}


class Asked(Request):
    """REST framework's request, with what each view asks of Django's at hand."""

    def __init__(self, request, **more):
        super().__init__(request, **more)
        self.META, self.method = request.META, request.method

    @property
    def query_params(self):
        return _parameters(self.META.get("QUERY_STRING", ""))


class View(APIView):
    """An endpoint for callers with an API key. `PARAMETERS` are the query parameters of its GET, or of a PUT."""

    PARAMETERS: ClassVar[Collection[str]] = ()

    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)
    http_method_names = ("get", "head", "post", "delete")
    throttle_classes = ()
    default_response_headers: ClassVar = {}

    def initialize_request(self, request, *args, **kwargs):
        context = {"view": self, "args": args, "kwargs": kwargs}
        readers, guards = _made(tuple(self.parser_classes)), _made(tuple(self.authentication_classes))
        return Asked(request, parsers=readers, authenticators=guards, negotiator=NEGOTIATOR, parser_context=context)

    def get_permissions(self):
        return _made(tuple(self.permission_classes))

    def initial(self, request, *args, **kwargs):
        """What stands before each method; REST framework's own also looks for versions, format suffixes and throttles."""
        self.refuse_other_forms(request)
        request._authenticate()  # `request.user` would do it, in a block that guards a property
        self.check_permissions(request)
        self.count(request)
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            raise problems.problem("length_required", "Send the body with its Content-Length, not chunked.")
        if request.META.get("QUERY_STRING") and self.takes(request.method.lower()):
            filters.refuse_unknown(request.query_params, self.PARAMETERS if request.method in WITH_PARAMETERS else ())

    def takes(self, method: str) -> bool:
        return method in self.http_method_names and hasattr(self, method)

    def refuse_other_forms(self, request):
        refuse_other_forms(request.META.get("HTTP_ACCEPT", "*/*"))

    def count(self, request):
        """Count the request against its key's limits; a link that we signed has no key, and none."""
        standing = request.user and limits.count(request.user, write=request.method not in READS)
        if standing:
            self.headers = {
                "RateLimit-Limit": str(standing.limit),
                "RateLimit-Remaining": str(standing.remaining),
                "RateLimit-Reset": str(standing.reset_s),
            }
            if standing.is_refused:
                raise problems.RateLimited(standing.limit, standing.reset_s)

    def permission_denied(self, request, message=None, code=None):
        raise NotAuthenticated("Send an API key of your account: `Authorization: Bearer dk_…`.")

    def http_method_not_allowed(self, request, *args, **kwargs):
        self.headers = {**self.headers, "Allow": ", ".join(self.allowed_methods)}
        super().http_method_not_allowed(request, *args, **kwargs)

    def finalize_response(self, request, response, *args, **kwargs):
        for name, value in self.headers.items():
            response[name] = value
        if request.method == "HEAD" and isinstance(response, Answer):
            response.content = b""
        return response

    def get_exception_handler(self):
        return problems.handle


class Nowhere(View):
    """Any path that is not in the contract."""

    authentication_classes = ()
    permission_classes = ()

    def dispatch(self, request, *args, **kwargs):
        self.http_method_names = [request.method.lower()]
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs):
        raise problems.missing()


@lru_cache(256)  # of 8 KB at most, as deploy/gunicorn.conf.py has it
def _parameters(query: str) -> QueryDict:
    return QueryDict(query.encode("latin-1"))  # PEP 3333 gives bytes so


@cache
def _made(classes: tuple[type, ...]) -> list[Any]:
    """One of each; they keep nothing of a request."""
    return [one() for one in classes]


def id_in(prefix: str, text: str) -> UUID:
    """The id that stands in a path; the same 404 for nonsense as for what is not there."""
    found = parse(prefix, text)
    if found is None:
        raise problems.missing()
    return found
