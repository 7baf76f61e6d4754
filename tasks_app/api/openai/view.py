"""What every endpoint of /v1 shares: the parsers, the error envelope, and rate limits under OpenAI's names too."""

from typing import Any

from ... import rows
from ...ids import parse
from .. import problems
from ..view import Nowhere, View
from . import errors
from .body import FormParser, JSONParser

RATE = {
    "RateLimit-Limit": "x-ratelimit-limit-requests",
    "RateLimit-Remaining": "x-ratelimit-remaining-requests",
    "RateLimit-Reset": "x-ratelimit-reset-requests",
}


class Call(View):
    """An endpoint that the official client calls."""

    parser_classes = (JSONParser, FormParser)

    def refuse_other_forms(self, request):
        """The client asks for `application/binary` where it means any bytes, so the Accept header is not asked."""

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        for ours, theirs in RATE.items():
            if ours in response:
                response[theirs] = response[ours] + ("s" if ours.endswith("Reset") else "")
        return response

    def get_exception_handler(self):
        return errors.handle


class NoSuchCall(Call, Nowhere):
    """Any path below /v1/ that we do not have."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request, *args, **kwargs):
        raise problems.problem("not_found", f"Invalid URL ({request.method} {request.path_info}).")


def own(request: Any, id: str, kind: str) -> rows.Row:
    """The caller's task of this kind; the same 404 for nonsense, for another's and for one of another kind."""
    task_id = parse("task", id)
    found = rows.find(request.user.account_id, task_id) if task_id else None
    if found is None or found.kind != kind:
        raise problems.problem("not_found", f"There is no {kind.partition('.')[0]} of yours with the id {id[:64]!r}.")
    return found
