"""Live progress: what the events of a task, and of all tasks of an account, begin with; the stream tier goes on from there (tier.py).

Anywhere else a client is told to come again: a stream would hold one of web's few threads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.addresses import client_address

from ..watch import beginning
from ..watch.beginning import Beginning
from . import contract, problems
from .answer import Answer, refuse_other_forms
from .view import View, id_in

TYPE = "text/event-stream"
TAKES_EVENTS = ("*/*", "text/*", TYPE)
# Nobody keeps events for others, and nginx passes them on as they come.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream that its caller may have: of a task, or of the account. `begin()` is to be called once it is watched.

    `is_allowed()` asks once more, as for a new request; streams of the same `credential` have the same answer.
    """

    account_id: int
    task_id: UUID | None
    begin: Callable[[], Beginning | None]
    is_allowed: Callable[[], bool]
    credential: bytes


class Events(HttpResponse):
    """The head of an answer whose body are events; who can stream finds in `opening` what to stream."""

    def __init__(self, opening: Opening):
        super().__init__(content_type=TYPE, headers=HEADERS)
        self.opening = opening


class EventsView(View):
    http_method_names = ("get",)

    def refuse_other_forms(self, request):
        refuse_other_forms(request.META.get("HTTP_ACCEPT", "*/*"), form=TYPE, taken_by=TAKES_EVENTS)

    def opened(self, request: Request, task_id: UUID | None, begin: Callable[[], Beginning | None]) -> Events:
        if not getattr(request._request, "can_stream", False):
            raise problems.problem("unavailable", "The stream tier does not answer; try again.")
        account_id = request.user.account_id
        is_allowed = partial(_is_allowed, request._request, self.get_authenticators(), account_id)
        return Events(Opening(account_id, task_id, begin, is_allowed, _credential(request)))


class TaskEvents(EventsView):
    @contract.task_events
    def get(self, request, id):
        task_id, after, account_id = id_in("task", id), _last_event(request), request.user.account_id
        begun = beginning.of_task(account_id, task_id, after=after)
        if begun is None:
            raise problems.missing()
        if begun.is_over and not begun.shown and not begun.missed:
            return Answer(status=204)  # which tells an EventSource to come no more
        return self.opened(request, task_id, partial(beginning.of_task, account_id, task_id, after=after))


class AccountEvents(EventsView):
    @contract.account_events
    def get(self, request):
        after, account_id = _last_event(request), request.user.account_id
        return self.opened(request, None, partial(beginning.of_account, account_id, after=after))


def _last_event(request: Request) -> int | None:
    """The number of the last event that the client has; None for what cannot be one of ours."""
    given = request.META.get("HTTP_LAST_EVENT_ID", "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 19 else None


def _is_allowed(request: HttpRequest, authenticators: Sequence[BaseAuthentication], account_id: int) -> bool:
    try:
        return getattr(Request(request, authenticators=authenticators).user, "account_id", None) == account_id
    except APIException:
        return False


def _credential(request: Request) -> bytes:
    """By what the caller is known, and from where: nothing of it can be read in this."""
    shown = [*(request.META.get(name, "") for name in ("HTTP_AUTHORIZATION", "HTTP_COOKIE")), client_address(request.META)]
    return blake2b("\0".join(shown).encode(), digest_size=16).digest()
