"""A request that was sent before → the task that it made then: nobody pays twice because an answer was lost.

The official client sends a request up to three times and never an Idempotency-Key; that it is one of these is all it tells, by
`x-stainless-retry-count`. So each task gets a key of ours: the digest of its content and a number, one higher for each task of
the same content. That an account's keys are unique (`task_once_per_key`) decides all races:

    a try again   is answered with the newest task of its content, where that is at most REPLAYED_FOR old, not counting the time for which
                  its client waited for answers. Where there is none it makes one, and marks it: the first try was overtaken, and may
                  yet come.
    a first try   makes a task with the next number. But where the newest one is marked, and at most OVERTAKEN_FOR old, this is the
                  try that was overtaken: it is answered with that task, and the mark is gone.

Two who write at the same moment want the same number; who does not get it looks again. By then there is a task that a try again would
find, so first tries may leave numbers out: of a burst of the same content each is to get one soon.
"""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from accounts.scopes import Scope

from ...engine import accept
from ...engine.accept import Accepted, Order, Problem
from ...models import Task
from .. import problems

REPLAYED_FOR = timedelta(minutes=10)
# As long as a request whose client has hung up may stand in a line of ours: a deliberate second one is a minute later again its own.
OVERTAKEN_FOR = timedelta(minutes=1)
TRIES = 20
SPREAD = 32


@dataclass(frozen=True, slots=True)
class Sent:
    """One try of a request: the digest of its content, its Idempotency-Key if it has one, how often it was tried before, and for how long
    its client waited for the answers to those.
    """

    digest: bytes
    key: str | None = None
    tries: int = 0
    waited: timedelta = timedelta()

    @property
    def keys(self) -> str:
        """What our keys for this content begin with. No client's key begins with a space."""
        return f" /v1 {self.digest.hex()} "

    @property
    def overtaken(self) -> bytes:
        """The mark, as a request_hash."""
        return sha256(b"overtaken " + self.digest).digest()


@dataclass(frozen=True, slots=True)
class Seen:
    """What another try came to, if there was one; and the number of the newest task of this content, from 1."""

    task: Task | None = None
    number: int = 0


def look(account_id: int, sent: Sent, *, now: datetime) -> Seen:
    """Look for the task that this request made when it was sent before."""
    if sent.key is not None:
        return Seen(Task.objects.filter(account=account_id, idempotency_key=sent.key, request_hash=sent.digest).first())
    same = Task.objects.filter(account=account_id, idempotency_key__gte=sent.keys, idempotency_key__lt=f"{sent.keys}~")
    newest = same.order_by("-idempotency_key").first()
    if newest is None:
        return Seen()
    return Seen(newest if _is_meant(newest, sent, now) else None, int(newest.idempotency_key.removeprefix(sent.keys)))


def make(account_id: int, order: Order, sent: Sent, seen: Seen, *, now: datetime, scope: Scope | None) -> Accepted:
    """Accept the order, or find the task that another try of it made since the look; raises Problem."""
    if sent.key is not None:
        return accept.one(account_id, replace(order, idempotency_key=sent.key, request_hash=sent.digest), now=now, scope=scope)
    ahead = 0
    for _ in range(TRIES):
        if accepted := _made(account_id, order, sent, seen.number + 1 + ahead, now, scope):
            return accepted
        seen = look(account_id, sent, now=now)
        if seen.task:
            return Accepted(seen.task, replayed=True)
        ahead = random.randrange(SPREAD)  # else all of a burst would lose to one of it, again and again
    raise problems.problem("unavailable", "Too many requests of this very content at once; try again.")


def _is_meant(newest: Task, sent: Sent, now: datetime) -> bool:
    age = now - newest.created_at
    if sent.tries:
        return age <= REPLAYED_FOR + sent.waited
    return bytes(newest.request_hash) == sent.overtaken and age <= OVERTAKEN_FOR and _unmark(newest, sent)


def _unmark(task: Task, sent: Sent) -> bool:
    """Whether it was marked until now."""
    return Task.objects.filter(id=task.id, request_hash=sent.overtaken).update(request_hash=sent.digest) == 1


def _made(account_id: int, order: Order, sent: Sent, number: int, now: datetime, scope: Scope | None) -> Accepted | None:
    """None where another took this number."""
    numbered = replace(order, idempotency_key=f"{sent.keys}{number:08}", request_hash=sent.overtaken if sent.tries else sent.digest)
    try:
        accepted = accept.one(account_id, numbered, now=now, scope=scope)
    except Problem as refused:
        if refused.code == "idempotency_key_reused":  # a first try and a try again
            return None
        raise
    return None if accepted.replayed else accepted
