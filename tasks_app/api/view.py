"""What every endpoint shares: JSON in and out, problems, and no parameter that it does not know."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from rest_framework.exceptions import NotAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from ..ids import parse
from . import filters, problems
from .json import JSONParser, JSONRenderer, Negotiation

# What changes under its reader and is the account's own: never shared, never shown without asking whether it is still so.
PRIVATE = {"Cache-Control": "private, no-cache"}


class View(APIView):
    """An endpoint for callers with an API key. `PARAMETERS` are the query parameters of its GET."""

    PARAMETERS: ClassVar[Collection[str]] = ()

    renderer_classes = (JSONRenderer,)
    parser_classes = (JSONParser,)
    content_negotiation_class = Negotiation
    http_method_names = ("get", "head", "post", "delete")
    throttle_classes = ()

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
            raise problems.problem("length_required", "Send the body with its Content-Length, not chunked.")
        if request.META.get("QUERY_STRING") and request.method in self.allowed_methods:
            filters.refuse_unknown(request.query_params, self.PARAMETERS if request.method in ("GET", "HEAD") else ())

    def permission_denied(self, request, message=None, code=None):
        raise NotAuthenticated("Send an API key of your account: `Authorization: Bearer dk_…`.")

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method == "HEAD" and isinstance(response, Response):
            response.add_post_render_callback(_without_body)
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

    @property
    def default_response_headers(self) -> dict:
        return {}

    def initial(self, request, *args, **kwargs):
        raise problems.missing()


def id_in(prefix: str, text: str) -> UUID:
    """The id that stands in a path; the same 404 for nonsense as for what is not there."""
    found = parse(prefix, text)
    if found is None:
        raise problems.missing()
    return found


def _without_body(response: Response) -> None:
    """What HEAD gets: the headers that GET would get, the length with them."""
    response["Content-Length"] = str(len(response.content))
    response.content = b""
