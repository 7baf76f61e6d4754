"""/studio/session: sign in with an API key, and out. To browsers only, from pages of ours."""

from typing import Any

from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from accounts import authentication, keys, sessions

from ..api import orders, problems
from ..api.answer import Answer
from ..api.view import PRIVATE, View


class Session(View):
    schema = None  # a page's own, and no part of the API
    authentication_classes = ()
    permission_classes = ()
    http_method_names = ("post", "delete")

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        sessions.refuse_other_pages(request.META)

    def post(self, request):
        key, now = _key(request.data), timezone.now()
        caller = keys.find(key, now=now)
        if caller is None:
            raise AuthenticationFailed(authentication.UNKNOWN)
        if caller.scope:
            authentication.refuse(caller.scope, request, now, method="GET")  # to sign in is no writing
        answer = Answer(status=204, headers=PRIVATE)
        sessions.begin(answer, caller, now=now)
        return answer

    def delete(self, request):
        orders.nothing(request.data)
        answer = Answer(status=204, headers=PRIVATE)
        sessions.end(answer)
        return answer


def _key(body: Any) -> str:
    if faults := orders.faults_in(body, {"key": _text}, required=("key",)):
        raise problems.invalid(faults)
    return body["key"].strip()


def _text(value: Any) -> orders.Faults:
    if not isinstance(value, str):
        yield "", "must be a string"
